import { setTimeout as delay } from "node:timers/promises";
import slotOf from "cluster-key-slot";
import type { Redis } from "ioredis";
import { logUnavailable } from "../errors.ts";
import {
  askTopology,
  type ClusterTopology,
  NO_TOPOLOGY,
  type Redirect,
  tryRedirect,
} from "./cluster-topology.ts";
import { createRedisConnection, type RedisAccess, whenReady } from "./redis-connection.ts";
import { formatAddress, type RedisAddress } from "./redis-endpoint.ts";
import type { RedisMasters } from "./redis-masters.ts";
import { requireUsable } from "./redis-version.ts";
import { isReplyError, reply } from "./redis-reply.ts";

const REDIRECTS_MAX = 5;
/** Keys on their way from one master to another answer TRYAGAIN until all of them are there. */
const TRY_AGAIN_MS = 50;
const TRY_AGAIN_MAX = 40;
/** How long the way to a node that we had no connection to may take. */
const READY_MS = 2_000;
/** Also without a sign that something has changed. */
const REFRESH_MS = 5_000;
/** Between two looks at the topology, whatever the number of reasons. */
const REFRESH_PAUSE_MS = 200;
/** Masters that are asked at once for the topology: the first answer holds, and one that hangs holds nobody up. */
const ASKED = 3;

/**
 * The masters of a Redis Cluster, each with a connection of its own.
 *
 * The routing is ours, and not that of ioredis' Cluster, because that one repeats commands whose connection broke, and
 * passes a redirect on to the caller when it meets it among commands that went well.
 */
export class ClusterMasters implements RedisMasters {
  readonly #access: RedisAccess;
  readonly #seeds: readonly RedisAddress[];
  readonly #clients = new Map<string, Redis>();
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  #topology: ClusterTopology = NO_TOPOLOGY;
  #refreshing: Promise<void> | undefined;
  #refreshAgain = false;
  #closed = false;

  constructor(access: RedisAccess, seeds: readonly RedisAddress[]) {
    this.#access = access;
    this.#seeds = seeds;
    this.#timer = setInterval(() => void this.refresh(), REFRESH_MS).unref();
  }

  get topology(): ClusterTopology {
    return this.#topology;
  }

  /** The name of the master that serves a key or a channel, if any does. */
  ownerOf(key: string): string | undefined {
    return this.#topology.slots[slotOf(key)];
  }

  /** The connection for commands to a master. */
  clientOf(name: string): Redis | undefined {
    return this.#clients.get(name);
  }

  /** Called after each change of who serves what. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async run<T>(key: string, command: (client: Redis) => Promise<T>): Promise<T> {
    let client = this.#clients.get(this.ownerOf(key) ?? "");
    let asking = false;
    for (let redirects = 0, again = 0; ;) {
      if (!client) throw this.#unserved(key);
      try {
        // Both go out together: the permission holds for the command right behind it.
        if (asking) client.asking().catch(() => undefined);
        return await command(client);
      } catch (error) {
        const reason = isReplyError(error) ? error : undefined;
        if (reason?.message.startsWith("TRYAGAIN") && again++ < TRY_AGAIN_MAX) {
          await delay(TRY_AGAIN_MS);
          continue;
        }
        const redirect = reason && tryRedirect(reason, addressOf(client));
        if (!redirect || redirects++ >= REDIRECTS_MAX) {
          if (!reason || reason.message.startsWith("CLUSTERDOWN")) void this.refresh();
          return reply(Promise.reject(error));
        }
        asking = redirect.kind === "ASK";
        client = await this.#follow(redirect);
      }
    }
  }

  #unserved(key: string): Error {
    void this.refresh();
    return logUnavailable(new Error(`no master serves slot ${slotOf(key)} as far as is known`));
  }

  async #follow({ kind, slot, address }: Redirect): Promise<Redis | undefined> {
    const name = formatAddress(address);
    if (kind === "MOVED") {
      const slots = [...this.#topology.slots];
      slots[slot] = name;
      const masters = new Map(this.#topology.masters).set(name, address);
      this.#adopt({ ...this.#topology, slots, masters });
      void this.refresh();
    }
    const client = this.#connect(name, address);
    return (await whenReady(client, READY_MS)) ? client : undefined;
  }

  /**
   * Finds the cluster; false where that takes longer than `patienceMs`, and it is looked for in the background.
   * @throws UnsupportedRedisError where a node can be reached and cannot be used
   */
  async connect(patienceMs: number): Promise<boolean> {
    const deadline = performance.now() + patienceMs;
    for (const node of this.#seeds) {
      await using client = brief({ ...this.#access, name: "topology", node });
      const remainingMs = Math.max(1, deadline - performance.now());
      if (!(await whenReady(client.redis, remainingMs / 2))) continue;
      await requireUsable(client.redis, "cluster");
      break;
    }
    do await this.refresh();
    while (this.#clients.size === 0 && performance.now() < deadline);
    const ready = [...this.#clients.values()].map((client) =>
      whenReady(client, Math.max(1, deadline - performance.now())),
    );
    return ready.length > 0 && (await Promise.all(ready)).every(Boolean);
  }

  /** Looks at who serves what; never rejects. Several callers share one look. */
  refresh(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#refreshAgain = true;
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    while (this.#refreshAgain && !this.#closed) {
      this.#refreshAgain = false;
      const topology = await this.#ask();
      if (topology && !this.#closed) this.#adopt(topology);
      await delay(REFRESH_PAUSE_MS, undefined, { ref: false });
    }
  }

  /** The masters first, over the connections that stand; then whoever else may know. */
  async #ask(): Promise<ClusterTopology | undefined> {
    const ready = [...this.#clients.values()].filter(({ status }) => status === "ready");
    const asked = ready.toSorted(() => Math.random() - 0.5).slice(0, ASKED);
    const told = await Promise.any(asked.map(askServing)).catch(() => undefined);
    if (told) return told;
    for (const node of [...this.#seeds, ...this.#topology.replicas]) {
      const { logger } = this.#access;
      await using client = brief({ ...this.#access, name: "topology", node, reconnect: false });
      const topology = await client.redis
        .connect()
        .then(() => askServing(client.redis))
        .catch((err: unknown) => {
          logger.debug({ err, node }, "a node does not tell of the cluster");
          return undefined;
        });
      if (topology) return topology;
    }
    return undefined;
  }

  #adopt(topology: ClusterTopology): void {
    const before = this.#topology;
    this.#topology = topology;
    for (const [name, address] of topology.masters) this.#connect(name, address);
    for (const [name, client] of this.#clients) {
      if (topology.masters.has(name)) continue;
      this.#clients.delete(name);
      client.disconnect();
    }
    const changed = topology.slots.some((name, slot) => name !== before.slots[slot]);
    if (changed) for (const listener of this.#listeners) listener();
  }

  #connect(name: string, address: RedisAddress): Redis {
    const known = this.#clients.get(name);
    if (known) return known;
    const client = createRedisConnection({ ...this.#access, name: "commands", node: address });
    this.#clients.set(name, client);
    client.on("close", () => void this.refresh());
    client.connect().catch(() => undefined);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#listeners.clear();
    for (const client of this.#clients.values()) client.disconnect();
  }
}

async function askServing(client: Redis): Promise<ClusterTopology> {
  const topology = await askTopology(client);
  if (topology.masters.size === 0) throw new Error("the node knows of no slots");
  return topology;
}

function addressOf({ options }: Redis): RedisAddress {
  return { host: options.host!, port: options.port! };
}

function brief(options: Parameters<typeof createRedisConnection>[0]) {
  const redis = createRedisConnection(options);
  return { redis, [Symbol.asyncDispose]: async () => redis.disconnect() };
}
