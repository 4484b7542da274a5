import { tryDuration } from "../../../src/wire/units.ts";
import { unreadKeys } from "./chart-keys.ts";
import { holds } from "./labels.ts";
import { bytes } from "./memory.ts";
import type { Manifest } from "./rendered.ts";

/** What Google's load balancer takes to learn that a node has no pod of a gateway's any more. */
const STEERS_AWAY_S = 24;
/** Streams are to come to their own end, or to be told to move, before the gateway cuts them. */
const LEAST_DRAIN_S = 300;
/** Between the end of a drain and the kubelet's SIGKILL. */
const SPARE_S = 10;
/** Between two pieces of an upload that lasts. */
const SILENCE_S = 300;
/** On how to read a request whose body does not last: longer, and heads that come byte by byte take every connection. */
const LONGEST_READ_S = 120;
const TOPOLOGIES = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"];

const seconds = (text: string | undefined): number => (tryDuration(text ?? "") ?? 0) / 1_000;

interface Pods {
  readonly replicas: number | undefined;
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** What stands beside them in the values. */
  readonly values: Manifest;
}

/** Some of a gateway's pods are left when a pod, a node or a zone goes, and none is killed for what another takes. */
function podProblems({ replicas = 1, labels = {}, values }: Pods): string[] {
  const { podDisruptionBudget: budget, topologySpreadConstraints: spread = [] } = values;
  const { requests = {}, limits = {} } = values.resources ?? {};
  const problems = [];
  if (replicas < 3) problems.push(`${replicas} pods: one that goes takes as many streams`);
  if (!budget?.enabled || budget.maxUnavailable !== 1)
    problems.push("podDisruptionBudget: a node's drain may take more than one pod");
  for (const topology of TOPOLOGIES)
    if (!spread.some(({ topologyKey }: Manifest) => topologyKey === topology))
      problems.push(`topologySpreadConstraints: all pods may be in one ${topology}`);
  for (const { labelSelector } of spread as Manifest[])
    if (!labelSelector || !holds(labels, labelSelector.matchLabels))
      problems.push("topologySpreadConstraints: selects pods of other labels");
  if (!requests.cpu || !requests.memory || requests.memory !== limits.memory)
    problems.push("resources: a pod that uses more than it has asked for is evicted first");
  if (limits.memory && bytes(limits.memory) < bytes("1Gi"))
    problems.push("resources: less than 1Gi does not hold ten thousand streams");
  if (limits.cpu) problems.push("resources: a limit of CPU throttles every stream of the pod");
  return problems;
}

function drainProblems(wait: number, drain: number, grace: number): string[] {
  const problems = [];
  if (wait <= STEERS_AWAY_S)
    problems.push(`waits ${wait} s, and clients come for ${STEERS_AWAY_S} s more`);
  if (drain < LEAST_DRAIN_S) problems.push(`drains for ${drain} s, and cuts what is left`);
  if (grace < wait + drain + SPARE_S)
    problems.push(`grace of ${grace} s is less than wait ${wait} + drain ${drain} + ${SPARE_S}`);
  return problems;
}

/** Of charts/kong.yaml. */
export function kongChartProblems(values: Manifest): string[] {
  const { gateway, controller } = values;
  const { env = {}, lifecycle, image, proxy } = gateway;
  const command = (lifecycle?.preStop?.exec?.command ?? []).join(" ") as string;
  const option = (name: string): number =>
    Number(new RegExp(`^kong quit\\b.* --${name}=(\\d+)`).exec(command)?.[1] ?? 0);
  const [wait, drain] = [option("wait"), option("timeout")];
  const problems = [
    ...unreadKeys("kong", values),
    ...podProblems({ replicas: gateway.replicaCount, labels: gateway.podLabels, values: gateway }),
    ...drainProblems(wait, drain, gateway.terminationGracePeriodSeconds ?? 30),
  ];
  if (env.nginx_main_worker_shutdown_timeout !== `${drain}s`)
    problems.push("nginx_main_worker_shutdown_timeout: nginx' workers outlive the drain");
  if (!(seconds(env.nginx_http_client_body_timeout) >= SILENCE_S))
    problems.push("nginx_http_client_body_timeout: an upload that is silent is cut");
  if (!/^3\.\d+/.test(image?.tag ?? "")) problems.push("image.tag: another version at every pull");
  if (proxy?.externalTrafficPolicy !== "Local")
    problems.push("proxy.externalTrafficPolicy: every client has a node's address");
  if (!(controller?.replicaCount >= 2) || !controller.podDisruptionBudget?.enabled)
    problems.push("controller: while its one pod is away, Kong learns of no new pod");
  return problems;
}

/** Of charts/traefik.yaml, for the entry points that the routes name. */
export function traefikChartProblems(values: Manifest, entryPoints: readonly string[]): string[] {
  const { deployment = {}, service, ports = {}, additionalArguments = [] } = values;
  const flags = new Map<string, string>(
    additionalArguments.map((flag: string) => flag.replace(/^--/, "").split(/=(.*)/s)),
  );
  const problems = [
    ...unreadKeys("traefik", values),
    ...podProblems({ replicas: deployment.replicas, labels: deployment.podLabels, values }),
  ];
  for (const name of entryPoints) {
    const transport = (setting: string): number =>
      seconds(flags.get(`entryPoints.${name}.transport.${setting}`));
    const grace = deployment.terminationGracePeriodSeconds ?? 60;
    const life = ["requestAcceptGraceTimeout", "graceTimeOut"] as const;
    const [wait, drain] = life.map((one) => transport(`lifeCycle.${one}`)) as [number, number];
    problems.push(...drainProblems(wait, drain, grace).map((problem) => `${name} ${problem}`));
    if (transport("respondingTimeouts.writeTimeout") !== 0)
      problems.push(`${name} writeTimeout: cuts streams, whatever they send`);
    const own = name in ports;
    const read = flags.get(`entryPoints.${name}.transport.respondingTimeouts.readTimeout`);
    if (own && seconds(read ?? "60s") !== 0)
      problems.push(`${name} readTimeout ${read ?? "60s"}: cuts uploads that last`);
    if (!own && !(seconds(read ?? "60s") > 0 && seconds(read ?? "60s") <= LONGEST_READ_S))
      problems.push(`${name} readTimeout ${read}: heads that come byte by byte are never cut`);
    if (name !== "websecure" && !(ports[name]?.exposedPort > 0 && ports[name].expose?.default))
      problems.push(`${name}: no port of the load balancer leads there`);
  }
  for (const name of Object.keys(ports as object))
    if (!entryPoints.includes(name)) problems.push(`ports.${name}: no route is there`);
  if (!/^:?\w+$/.test(flags.get("entryPoints.web.http.redirections.entryPoint.to") ?? ""))
    problems.push("web: answers in the clear");
  if (service?.spec?.externalTrafficPolicy !== "Local")
    problems.push("service.spec.externalTrafficPolicy: every client has a node's address");
  return problems;
}
