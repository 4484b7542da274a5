import type { Redis } from "ioredis";
import { formatAddress, type RedisAddress } from "./redis-endpoint.ts";

export const SLOTS = 16_384;

/** Who serves what, as one node of the cluster sees it. */
export interface ClusterTopology {
  /** By slot: the name of its master (`host:port`); undefined where nobody serves it. */
  readonly slots: readonly (string | undefined)[];
  /** By name. */
  readonly masters: ReadonlyMap<string, RedisAddress>;
  readonly replicas: readonly RedisAddress[];
}

export const NO_TOPOLOGY: ClusterTopology = Object.freeze({
  slots: [],
  masters: new Map<string, RedisAddress>(),
  replicas: [],
});

type RawNode = [host: string | null, port: number, ...rest: unknown[]];

/** Asks a node (CLUSTER SLOTS, which every release and Valkey answer). @throws what ioredis throws */
export async function askTopology(client: Redis): Promise<ClusterTopology> {
  const ranges = (await client.cluster("SLOTS")) as [number, number, ...RawNode[]][];
  const slots: (string | undefined)[] = Array.from({ length: SLOTS });
  const masters = new Map<string, RedisAddress>();
  const replicas: RedisAddress[] = [];
  // A node that does not know its own name leaves it empty: it is where we have asked.
  const addressOf = ([host, port]: RawNode): RedisAddress => ({
    host: host || client.options.host!,
    port,
  });
  for (const [from, to, master, ...others] of ranges) {
    if (!master) continue;
    const address = addressOf(master);
    const name = formatAddress(address);
    masters.set(name, address);
    slots.fill(name, from, to + 1);
    replicas.push(...others.map(addressOf));
  }
  return { slots, masters, replicas };
}

export interface Redirect {
  readonly kind: "MOVED" | "ASK";
  readonly slot: number;
  readonly address: RedisAddress;
}

/** `MOVED 3999 127.0.0.1:6381`, with an empty host for the node that says so. */
export function tryRedirect(error: Error, from: RedisAddress): Redirect | undefined {
  const parts = /^(MOVED|ASK) (\d{1,5}) (\S*):(\d{1,5})$/.exec(error.message);
  if (!parts || Number(parts[2]) >= SLOTS) return undefined;
  return {
    kind: parts[1] as Redirect["kind"],
    slot: Number(parts[2]),
    address: { host: parts[3] || from.host, port: Number(parts[4]) },
  };
}
