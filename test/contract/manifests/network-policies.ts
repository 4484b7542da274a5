import { isIP } from "node:net";
import { TrustedProxies } from "../../../src/addresses/trusted-proxies.ts";
import { type Labels, selects } from "./labels.ts";
import { allOf, type Manifest, type Overlay } from "./rendered.ts";

/** Who speaks, or is spoken to: pods of a namespace (some pods, where it does not matter which), or an address. */
export type Peer =
  | { readonly namespace: string; readonly labels?: Labels }
  | { readonly address: string };

export interface Port {
  readonly number: number;
  readonly name?: string | undefined;
  readonly protocol?: "TCP" | "UDP";
}

/** What a policy calls the traffic: `Ingress` into the pods that it selects, `Egress` out of them. */
export type Direction = "Ingress" | "Egress";

const inNetwork = (address: string, network: string): boolean =>
  new TrustedProxies([network]).has(address);

/** Whether an ipBlock has an address, and does not leave it out. */
export const blockHas = ({ cidr, except = [] }: Manifest, address: string): boolean =>
  inNetwork(address, cidr) && !except.some((hole: string) => inNetwork(address, hole));

function peerMatches(given: Manifest, peer: Peer, home: string): boolean {
  const { ipBlock, namespaceSelector, podSelector } = given;
  if ("address" in peer) return ipBlock !== undefined && blockHas(ipBlock, peer.address);
  if (ipBlock) return false;
  const names = { "kubernetes.io/metadata.name": peer.namespace };
  if (namespaceSelector ? !selects(namespaceSelector, names) : peer.namespace !== home)
    return false;
  return !podSelector || !peer.labels || selects(podSelector, peer.labels);
}

function portMatches(given: Manifest, { number, name, protocol = "TCP" }: Port): boolean {
  if ((given.protocol ?? "TCP") !== protocol) return false;
  if (typeof given.port === "string") return given.port === name;
  return number >= given.port && number <= (given.endPort ?? given.port);
}

export const rulesOf = (policy: Manifest, direction: Direction): Manifest[] =>
  (direction === "Ingress" ? policy.spec.ingress : policy.spec.egress) ?? [];

/** Whether a policy speaks of a direction: what it lists of another is not read. */
export function isOf(policy: Manifest, direction: Direction): boolean {
  const { policyTypes, egress } = policy.spec;
  const types = policyTypes ?? ["Ingress", ...(egress ? ["Egress"] : [])];
  return types.includes(direction);
}

/** Whether some policy on pods of these labels lets the traffic through. */
export function lets(
  overlay: Overlay,
  direction: Direction,
  labels: Labels,
  peer: Peer,
  port: Port,
): boolean {
  if ("address" in peer && isIP(peer.address) === 0)
    throw new Error(`${peer.address} is no address`);
  return allOf(overlay, "NetworkPolicy")
    .filter((policy) => selects(policy.spec.podSelector, labels) && isOf(policy, direction))
    .some((policy) =>
      rulesOf(policy, direction).some(({ from, to, ports }) => {
        const peers = (direction === "Ingress" ? from : to) as Manifest[] | undefined;
        const anybody = !peers?.length;
        const anyPort = !ports?.length;
        return (
          (anybody || peers.some((one) => peerMatches(one, peer, policy.metadata.namespace))) &&
          (anyPort || ports.some((one: Manifest) => portMatches(one, port)))
        );
      }),
    );
}
