import { allOf, deploymentOf, type Manifest, named, type Overlay } from "./rendered.ts";
import { configOf } from "./environment.ts";

/** Beyond the drain window: what the service takes to say farewell and to dispose of its parts. */
const FAREWELL_S = 10;
/** What endpoints, NEGs and gateways take to stop sending clients. */
const DETACH_S = 10;

export const graceOf = (deployment: Manifest): number =>
  deployment.spec.template.spec.terminationGracePeriodSeconds ?? 30;

/** A pod leaves in order: its clients are told before it is killed, and there is another pod to go to. */
export function drainProblems(overlay: Overlay): string[] {
  const deployment = deploymentOf(overlay);
  const { spec } = deployment;
  const [container] = spec.template.spec.containers;
  const preStop = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
  const drain = configOf(overlay).drainWindowMs / 1_000;
  const grace = graceOf(deployment);
  const problems = [];
  if (preStop < DETACH_S) problems.push(`preStop sleeps ${preStop} s, not ${DETACH_S} or more`);
  if (grace < preStop + drain + FAREWELL_S)
    problems.push(
      `grace of ${grace} s is less than preStop ${preStop} + drain ${drain} + farewell ${FAREWELL_S}`,
    );
  if (spec.strategy?.rollingUpdate?.maxUnavailable !== 0)
    problems.push("a rollout takes pods away before their successors are there");
  // A rollout does not wait for a pod that leaves; while it drains, only this keeps the next one.
  if ((spec.minReadySeconds ?? 0) < preStop + drain)
    problems.push(
      `minReadySeconds ${spec.minReadySeconds}: the next pod leaves while the last drains`,
    );
  if ((spec.progressDeadlineSeconds ?? 600) <= (spec.minReadySeconds ?? 0))
    problems.push("is refused: progressDeadlineSeconds must be more than minReadySeconds");
  if ((spec.progressDeadlineSeconds ?? 600) < 10 * grace)
    problems.push("progressDeadlineSeconds is too short for a rollout whose pods drain");
  for (const scaler of allOf(overlay, "HorizontalPodAutoscaler", "ScaledObject")) {
    const { behavior } = scaler.spec.advanced?.horizontalPodAutoscalerConfig ?? scaler.spec;
    for (const { periodSeconds } of behavior?.scaleDown?.policies ?? [{ periodSeconds: 15 }])
      if (periodSeconds <= grace)
        problems.push(`${named(scaler)} takes the next pod away while the last one drains`);
  }
  return problems;
}

const streamingOnly = (name: string): boolean => name.endsWith("-streaming");

const seconds = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(/^(\d+)s?$/.exec(text)?.[1]);

/** Idle timers on streams: each must leave room for two heartbeats, and still notice a peer that is dead. */
export function idleProblems(overlay: Overlay): string[] {
  const { heartbeatMs } = configOf(overlay);
  const timers: [string, number | undefined][] = [];
  const ingresses = allOf(overlay, "Ingress");
  const kong =
    ingresses.some(({ spec }) => spec.ingressClassName === "kong") ||
    allOf(overlay, "Gateway").some(({ spec }) => spec.gatewayClassName === "kong");
  if (kong) {
    for (const service of allOf(overlay, "Service").filter(({ metadata }) =>
      streamingOnly(metadata.name),
    )) {
      const text = service.metadata.annotations?.["konghq.com/read-timeout"];
      timers.push([named(service), text === undefined ? undefined : Number(text) / 1_000]);
    }
  }
  for (const ingress of ingresses.filter(
    ({ metadata, spec }) => spec.ingressClassName === "nginx" && streamingOnly(metadata.name),
  )) {
    for (const side of ["read", "send"]) {
      const text =
        ingress.metadata.annotations[`nginx.ingress.kubernetes.io/proxy-${side}-timeout`];
      timers.push([`${named(ingress)} ${side}`, seconds(text)]);
    }
  }
  for (const route of allOf(overlay, "ApisixRoute"))
    for (const { name, timeout } of route.spec.http.filter((http: Manifest) => http.websocket))
      timers.push([`${named(route)} ${name}`, seconds(timeout?.read)]);
  return timers.flatMap(([what, idle]) => {
    if (idle === undefined) return [`${what}: has the gateway's default of 60 s or less`];
    if (!(idle * 1_000 > 2 * heartbeatMs)) return [`${what}: fires between two heartbeats`];
    return idle > 600 ? [`${what}: keeps dead peers for ${idle} s`] : [];
  });
}
