import { selects } from "./labels.ts";
import { blockHas, type Direction, isOf, rulesOf } from "./network-policies.ts";
import { allOf, type Manifest, named, type Overlay, workloads } from "./rendered.ts";

/** One address of each network that is not the Internet. */
const NEIGHBOURS = ["10.1.2.3", "172.16.1.2", "192.168.1.2", "169.254.1.1", "fd00::1", "fe80::1"];
/** Hands out the node's credentials to whoever asks; GKE's name server has the same address. */
const METADATA_SERVERS = ["169.254.169.254", "fd20:ce::254"];
/** No network of one's own is as wide. */
const WIDE = 8;

/** More ports than a cluster of Memorystore has nodes. */
const MANY_PORTS = 2_048;
const DIRECTIONS = ["Ingress", "Egress"] as const;

const isWide = (cidr: string): boolean => Number(cidr.split("/")[1]) < WIDE;
const isDns = ({ port }: Manifest): boolean => port === 53;

function ruleProblems(direction: Direction, { from, to, ports }: Manifest): string[] {
  const peers = ((direction === "Ingress" ? from : to) ?? []) as Manifest[];
  const inwards = direction === "Ingress";
  const problems = [];
  if (peers.length === 0) problems.push(inwards ? "lets anybody in" : "lets its pods out to all");
  if (!ports?.length)
    problems.push(inwards ? "lets in to any port" : "lets its pods out to any port");
  for (const { port, endPort = port } of ports ?? [])
    if (endPort - port >= MANY_PORTS) problems.push(`opens the ports from ${port} to ${endPort}`);
  for (const { ipBlock, namespaceSelector } of peers) {
    if (namespaceSelector && selects(namespaceSelector, {}))
      problems.push("opens to every namespace");
    if (!ipBlock) continue;
    const { cidr } = ipBlock as { cidr: string };
    if (inwards && isWide(cidr)) problems.push(`lets in ${cidr}, which is anybody`);
    const neighbours = NEIGHBOURS.filter((address) => blockHas(ipBlock, address));
    if (!inwards && isWide(cidr) && neighbours.length > 0)
      problems.push(`lets its pods out to ${cidr}, with neighbours like ${neighbours.join()}`);
    const metadata = METADATA_SERVERS.some((address) => blockHas(ipBlock, address));
    if (!inwards && metadata && !ports?.every(isDns))
      problems.push("lets its pods ask the metadata server for the node's credentials");
  }
  return problems;
}

/** Nothing reaches the pods, and they reach nothing, but for what some policy lets through, and no policy lets all through. */
export function networkProblems(overlay: Overlay): string[] {
  const policies = allOf(overlay, "NetworkPolicy");
  const open = workloads(overlay)
    .filter(({ spec }) => {
      const mine = policies.filter(({ spec: { podSelector } }) =>
        selects(podSelector, spec.template.metadata.labels),
      );
      return !DIRECTIONS.every((direction) => mine.some((policy) => isOf(policy, direction)));
    })
    .map((workload) => `${named(workload)} may be reached, or may reach, whatever there is`);
  const wide = policies.flatMap((policy) =>
    DIRECTIONS.flatMap((direction) =>
      (isOf(policy, direction) ? rulesOf(policy, direction) : [])
        .flatMap((rule) => ruleProblems(direction, rule))
        .map((problem) => `${named(policy)} ${problem}`),
    ),
  );
  return [...open, ...wide];
}
