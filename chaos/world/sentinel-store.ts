import { setTimeout as delay } from "node:timers/promises";
import { TestSentinel } from "../../test/support/redis-sentinel.ts";
import type { TestRedis } from "../../test/support/redis.ts";
import {
  demoted,
  flush,
  killed,
  killFollowers,
  NODE_SETTINGS,
  paused,
  readTopic,
  takeAway,
} from "./redis-nodes.ts";
import { type Aftermath, type Contents, eachOf, type Store, type StoreFault } from "./store.ts";

/** A replica on the same machine may be behind by so much when its master dies. */
const REPLICATION_MS = 2_000;
/** Less than what sentinels take a silent replica for dead after. */
const BEHIND_MS = 700;

/** A master, two replicas and three sentinels. What a failover takes back is nowhere to be read any more. */
export class SentinelStore implements Store {
  readonly form = "sentinel";
  readonly environment: Readonly<Record<string, string>>;
  readonly faults: Store["faults"];
  readonly #sentinel: TestSentinel;

  private constructor(sentinel: TestSentinel, topics: readonly string[]) {
    this.#sentinel = sentinel;
    this.environment = { REDIS_URL: sentinel.url };
    this.faults = new Map<string, StoreFault>([
      ["master-kill", () => this.#replace((master) => killed(master))],
      ["master-kill-behind", () => this.#replace((master) => this.#killBehind(master))],
      ["master-pause", () => this.#replace(paused)],
      ["failover", () => this.#replace((master) => this.#failOver(master))],
      ["follow-kill", () => killFollowers(sentinel.nodes)],
      ["flush", async () => ({ lost: await flush(await sentinel.master(), topics) })],
      [
        "delete",
        async (_, target) => {
          const topic = topics[target % topics.length]!;
          return { lost: new Map([[topic, await takeAway(await sentinel.master(), topic)]]) };
        },
      ],
    ]);
  }

  static async start(topics: readonly string[]): Promise<SentinelStore> {
    return new SentinelStore(await TestSentinel.start({ settings: NODE_SETTINGS }), topics);
  }

  async contents(topics: readonly string[]): Promise<Contents> {
    const master = await this.#sentinel.master();
    return eachOf(topics, (topic) => readTopic(master, topic));
  }

  /** Its replicas stand still first, so that they lack what the master acknowledges last. */
  async #killBehind(master: TestRedis): Promise<number> {
    const replicas = this.#sentinel.replicasOf(master);
    for (const replica of replicas) replica.pause();
    await delay(BEHIND_MS);
    const lastMs = await killed(master);
    for (const replica of replicas) replica.resume();
    return lastMs;
  }

  /** Sentinels promote a replica first and tell the old master then: what it takes between the two is nowhere else. */
  async #failOver(master: TestRedis): Promise<number> {
    await this.#sentinel.failover();
    return demoted(master);
  }

  /**
   * Until another master is in place, and the old one has come back as its replica.
   * @param strike resolves with when the old master acknowledged its last, ms since the epoch
   */
  async #replace(strike: (master: TestRedis) => Promise<number>): Promise<Aftermath> {
    const sinceMs = Date.now();
    const old = await this.#sentinel.master();
    const lastMs = await strike(old);
    const master = await this.#sentinel.whenFailedOver(old);
    const resumedMs = Date.now();
    // One that was stopped goes on as if it were still the master, until it is told otherwise.
    old.resume();
    if (!old.running) await old.start();
    await old.ask("REPLICAOF", "127.0.0.1", master.port);
    const demotedMs = await demoted(old);
    await this.#sentinel.whenComplete();
    const windows = [
      { fromMs: sinceMs - REPLICATION_MS, toMs: lastMs },
      { fromMs: resumedMs, toMs: demotedMs },
    ];
    // Sentinels that did not agree at first have put yet another in its place: what it took is nowhere either.
    if ((await this.#sentinel.master()) !== master)
      windows.push({ fromMs: resumedMs - REPLICATION_MS, toMs: Date.now() });
    return { sinceMs, servedMs: resumedMs, windows };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sentinel[Symbol.asyncDispose]();
  }
}
