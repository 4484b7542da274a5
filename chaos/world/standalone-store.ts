import { setTimeout as delay } from "node:timers/promises";
import { TestRedis } from "../../test/support/redis.ts";
import type { Random } from "../random.ts";
import { Network } from "./network.ts";
import { flush, killFollowers, NODE_SETTINGS, readTopic, takeAway } from "./redis-nodes.ts";
import { type Contents, eachOf, type Store, type StoreFault } from "./store.ts";

const FREEZE_SHARE = 0.7;

/** One Redis whose acknowledged writes survive SIGKILL, behind a network of its own. */
export class StandaloneStore implements Store {
  readonly form = "standalone";
  readonly environment: Readonly<Record<string, string>>;
  readonly faults: Store["faults"];
  readonly #redis: TestRedis;
  readonly #network: Network;

  private constructor(
    redis: TestRedis,
    network: Network,
    random: Random,
    topics: readonly string[],
  ) {
    this.#redis = redis;
    this.#network = network;
    this.environment = { REDIS_URL: network.url.replace("http:", "redis:") };
    this.faults = new Map<string, StoreFault>([
      ["redis-kill", (durationMs) => this.#kill(durationMs)],
      ["redis-pause", (durationMs) => this.#pause(durationMs)],
      ["redis-cut", async () => network.cutAll()],
      ["redis-freeze", (durationMs) => network.freeze(durationMs, FREEZE_SHARE, random)],
      ["follow-kill", () => killFollowers([redis])],
      ["flush", async () => ({ lost: await flush(redis, topics) })],
      [
        "delete",
        async (_, target) => {
          const topic = topics[target % topics.length]!;
          return { lost: new Map([[topic, await takeAway(redis, topic)]]) };
        },
      ],
    ]);
  }

  static async start(random: Random, topics: readonly string[]): Promise<StandaloneStore> {
    const redis = await TestRedis.start({ durable: true, settings: NODE_SETTINGS });
    const network = await Network.start({
      target: () => new URL(redis.url),
      random,
      cuts: false,
    });
    return new StandaloneStore(redis, network, random, topics);
  }

  contents(topics: readonly string[]): Promise<Contents> {
    return eachOf(topics, (topic) => readTopic(this.#redis, topic));
  }

  async #kill(durationMs: number): Promise<void> {
    await this.#redis.kill();
    await delay(durationMs);
    await this.#redis.start();
  }

  async #pause(durationMs: number): Promise<void> {
    this.#redis.pause();
    await delay(durationMs);
    this.#redis.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
    await this.#redis[Symbol.asyncDispose]();
  }
}
