import { isIP } from "node:net";
import { containerOf, configOf, variablesOf } from "./environment.ts";
import { gatewaysOf } from "./gateways.ts";
import { type Labels, selects } from "./labels.ts";
import { type Direction, lets, type Peer, type Port } from "./network-policies.ts";
import { redisAddresses, serviceOf } from "./redis.ts";
import { allOf, deploymentOf, type Manifest, type Overlay, workloads } from "./rendered.ts";

interface Need {
  readonly why: string;
  readonly direction: Direction;
  readonly pods: Labels;
  readonly peer: Peer;
  readonly port: Port;
}

/** Where each gateway's pods are, by README and the charts. */
const GATEWAY_NAMESPACES = {
  kong: "kong",
  nginx: "ingress-nginx",
  apisix: "ingress-apisix",
  traefik: "traefik",
} as const;
/** Google's proxies and health checks. */
const GOOGLE = ["130.211.0.1", "35.191.0.1"];
/** The name servers of a cluster: its own, NodeLocal DNSCache, and Cloud DNS on GKE. */
const NAME_SERVERS: readonly Peer[] = [
  { namespace: "kube-system" },
  { address: "169.254.20.10" },
  { address: "169.254.169.254" },
];
/** What a cluster of Memorystore tells its clients to go on to. */
const NODE_PORTS = [11_000, 13_047];
/** An address that nobody has (RFC 5737), for whatever is on the Internet. */
const INTERNET = "198.51.100.1";

const serviceLabels = (overlay: Overlay): Labels =>
  deploymentOf(overlay).spec.template.metadata.labels;

function* incoming(overlay: Overlay): Generator<Need> {
  const [{ name, containerPort: number }] = containerOf(overlay).ports;
  const into = { direction: "Ingress", pods: serviceLabels(overlay) } as const;
  const port = { name, number };
  for (const gateway of gatewaysOf(overlay)) {
    if (gateway === "google") {
      for (const address of GOOGLE)
        yield { ...into, port, peer: { address }, why: "Google's load balancer" };
      continue;
    }
    const namespace = GATEWAY_NAMESPACES[gateway as keyof typeof GATEWAY_NAMESPACES];
    if (!namespace) throw new Error(`no rule knows where ${gateway} is`);
    yield { ...into, port, peer: { namespace }, why: gateway };
  }
  if (allOf(overlay, "PodMonitor").length > 0)
    yield { ...into, port, peer: { namespace: "monitoring" }, why: "Prometheus" };
  if (allOf(overlay, "PodMonitoring").length > 0)
    for (const namespace of ["gmp-system", "gke-gmp-system"])
      yield { ...into, port, peer: { namespace }, why: "Google's Prometheus" };
}

/** Out of the service, and into what it reaches where that is in the overlay. */
function* outgoing(overlay: Overlay): Generator<Need> {
  const out = { direction: "Egress", pods: serviceLabels(overlay) } as const;
  for (const peer of NAME_SERVERS)
    for (const protocol of ["UDP", "TCP"] as const)
      yield { ...out, peer, port: { number: 53, protocol }, why: "a name server" };
  const cluster = configOf(overlay).redis?.endpoint.kind === "cluster";
  for (const { host, port } of redisAddresses(overlay)) {
    const service = serviceOf(overlay, host);
    if (service) yield* between(overlay, service, port);
    else if (isIP(host) !== 0)
      for (const number of [port, ...(cluster ? NODE_PORTS : [])])
        yield { ...out, peer: { address: host }, port: { number }, why: "REDIS_URL" };
  }
  for (const url of modelUrls(overlay)) {
    const { hostname, port, protocol } = new URL(url);
    const number = Number(port || (protocol === "https:" ? 443 : 80));
    const service = serviceOf(overlay, hostname);
    if (service) yield* between(overlay, service, number);
    else
      yield {
        ...out,
        peer: { address: isIP(hostname) === 0 ? INTERNET : hostname },
        port: { number },
        why: `the model at ${hostname}`,
      };
  }
}

function modelUrls(overlay: Overlay): string[] {
  const { AI_BASE_URL, AI_MODELS } = variablesOf(overlay);
  const several = Object.values(JSON.parse(AI_MODELS ?? "{}") as Record<string, Manifest>);
  return [AI_BASE_URL, ...several.map(({ baseUrl }) => baseUrl)].filter((url) => url !== undefined);
}

function* between(overlay: Overlay, service: Manifest, asked: number): Generator<Need> {
  const template = workloads(overlay)
    .map(({ spec }) => spec.template)
    .find(({ metadata }) => selects({ matchLabels: service.spec.selector }, metadata.labels));
  const target = service.spec.ports.find(({ port }: Manifest) => port === asked)?.targetPort;
  const found = template?.spec.containers
    .flatMap(({ ports = [] }: Manifest) => ports)
    .find(({ name, containerPort }: Manifest) => [name, containerPort].includes(target));
  if (!found) return;
  const port = { name: found.name, number: found.containerPort };
  const { namespace, name: why } = service.metadata;
  const { labels } = template.metadata;
  const pods = serviceLabels(overlay);
  yield { direction: "Egress", pods, peer: { namespace, labels }, port, why };
  yield { direction: "Ingress", pods: labels, peer: { namespace, labels: pods }, port, why };
}

const worded = (peer: Peer): string =>
  "address" in peer ? peer.address : `namespace ${peer.namespace}`;

/** Whoever must speak to the service, and whatever it must speak to, is let through by some policy. */
export function reachabilityProblems(overlay: Overlay): string[] {
  return [...incoming(overlay), ...outgoing(overlay)]
    .filter(({ direction, pods, peer, port }) => !lets(overlay, direction, pods, peer, port))
    .map(({ why, direction, peer, port }) => {
      const way = direction === "Ingress" ? "in from" : "out to";
      const { number, protocol = "TCP" } = port;
      return `${why}: no policy lets ${way} ${worded(peer)} at ${protocol} ${number}`;
    });
}
