import { setTimeout as delay } from "node:timers/promises";
import { TestCluster } from "../../test/support/redis-cluster.ts";
import type { TestRedis } from "../../test/support/redis.ts";
import { eventually } from "../../test/support/wait.ts";
import {
  demoted,
  killed,
  killFollowers,
  NODE_SETTINGS,
  paused,
  readTopic,
  takeAway,
} from "./redis-nodes.ts";
import { type Aftermath, type Contents, eachOf, type Store, type StoreFault } from "./store.ts";
import { streamKey } from "./stream-entry.ts";

const MASTERS = 3;
const REPLICATION_MS = 2_000;
const FAILOVER_TIMEOUT_MS = 30_000;

/** Three masters, each with a replica. */
export class ClusterStore implements Store {
  readonly form = "cluster";
  readonly environment: Readonly<Record<string, string>>;
  readonly faults: Store["faults"];
  readonly #cluster: TestCluster;
  readonly #topics: readonly string[];

  private constructor(cluster: TestCluster, topics: readonly string[]) {
    this.#cluster = cluster;
    this.#topics = topics;
    this.environment = { REDIS_URL: cluster.url };
    this.faults = new Map<string, StoreFault>([
      ["master-kill", (_, target) => this.#replace(target, killed)],
      ["master-pause", (_, target) => this.#replace(target, paused)],
      ["failover", (_, target) => this.#replace(target, (master) => this.#failOver(master))],
      ["slot-move", (durationMs, target) => this.#moveSlot(durationMs, target)],
      ["follow-kill", () => killFollowers(cluster.nodes)],
      ["flush", async () => ({ lost: await this.#takeAway(topics) })],
      ["delete", async (_, target) => ({ lost: await this.#takeAway([this.#topic(target)]) })],
    ]);
  }

  static async start(topics: readonly string[]): Promise<ClusterStore> {
    const cluster = await TestCluster.start({
      masters: MASTERS,
      replicas: 1,
      settings: NODE_SETTINGS,
    });
    return new ClusterStore(cluster, topics);
  }

  contents(topics: readonly string[]): Promise<Contents> {
    return eachOf(topics, async (topic) => readTopic(await this.#ownerOf(topic), topic));
  }

  #topic(target: number): string {
    return this.#topics[target % this.#topics.length]!;
  }

  #ownerOf(topic: string): Promise<TestRedis> {
    return this.#cluster.ownerOf(streamKey(topic));
  }

  #takeAway(topics: readonly string[]): Promise<Contents> {
    return eachOf(topics, async (topic) => takeAway(await this.#ownerOf(topic), topic));
  }

  /** A topic's slot goes to another master, half moved for a while. */
  async #moveSlot(durationMs: number, target: number): Promise<void> {
    const topic = this.#topic(target);
    const owner = await this.#ownerOf(topic);
    const others = (await this.#cluster.masters()).filter((master) => master !== owner);
    const to = others[target % others.length]!;
    await this.#cluster.migrateSlot(streamKey(topic), to, () => delay(durationMs));
    await this.#cluster.whenComplete();
  }

  /** The replica asks its master to stand back: nothing is lost. */
  async #failOver(master: TestRedis): Promise<void> {
    const [, , replicas] = (await master.ask("ROLE")) as [string, number, string[][]];
    const replica = this.#cluster.nodes.find(({ port }) => String(port) === replicas[0]?.[1]);
    if (!replica) throw new Error(`the master at ${master.port} has no replica`);
    await replica.ask("CLUSTER", "FAILOVER");
  }

  /**
   * Strikes the master of a topic; until its replica is in its place, and it has come back as a replica.
   * @param strike resolves with when the old master acknowledged its last, ms since the epoch; nothing where it hands over
   *   all that it has
   */
  async #replace(
    target: number,
    strike: (master: TestRedis) => Promise<number | void>,
  ): Promise<Aftermath> {
    const sinceMs = Date.now();
    const topic = this.#topic(target);
    const old = await this.#ownerOf(topic);
    const lastMs = await strike(old);
    const others = this.#cluster.nodes.filter((node) => node !== old);
    await eventually(async () => (await ownerAsSeenBy(others, streamKey(topic))) !== old.port, {
      timeoutMs: FAILOVER_TIMEOUT_MS,
      everyMs: 50,
      what: "a new master",
    });
    const resumedMs = Date.now();
    // One that was stopped goes on as if it were still the master, until it hears otherwise.
    old.resume();
    if (!old.running) await old.start();
    const demotedMs = await demoted(old);
    await this.#cluster.whenComplete();
    if (lastMs === undefined) return { sinceMs, servedMs: resumedMs };
    return {
      sinceMs,
      servedMs: resumedMs,
      windows: [
        { fromMs: sinceMs - REPLICATION_MS, toMs: lastMs },
        { fromMs: resumedMs, toMs: demotedMs },
      ],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }
}

/** The port of the master of a key's slot, asked of a node that answers. */
async function ownerAsSeenBy(nodes: readonly TestRedis[], key: string): Promise<number> {
  const node = nodes.find(({ running }) => running)!;
  const slot = Number(await node.ask("CLUSTER", "KEYSLOT", key));
  const ranges = (await node.ask("CLUSTER", "SLOTS")) as [number, number, [string, number]][];
  return ranges.find(([from, to]) => slot >= from && slot <= to)?.[2][1] ?? 0;
}
