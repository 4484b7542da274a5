import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { TestRedis } from "../../test/support/redis.ts";
import type { Entry } from "../law/history.ts";
import type { Random } from "../random.ts";
import { Network } from "./network.ts";
import type { Aftermath, Contents, Store } from "./store.ts";
import { entryOf, type RawEntry, streamKey } from "./stream-entry.ts";

/** So small that a burst overruns it while its reader stands still. */
const PUBSUB_BUFFER = "CONFIG SET client-output-buffer-limit 'pubsub 256kb 128kb 1'";

/** One Redis whose acknowledged writes survive SIGKILL, behind a network of its own. */
export class StandaloneStore implements Store {
  readonly form = "standalone";
  readonly environment: Readonly<Record<string, string>>;
  readonly #redis: TestRedis;
  readonly #network: Network;
  readonly #random: Random;
  readonly #topics: readonly string[];
  readonly faults: Store["faults"] = new Map([
    ["redis-kill", (durationMs: number) => this.#kill(durationMs)],
    ["redis-pause", (durationMs: number) => this.#pause(durationMs)],
    ["redis-cut", () => this.#cut()],
    ["redis-freeze", (durationMs: number) => this.#freeze(durationMs)],
    ["follow-kill", () => this.#killFollowers()],
    ["flush", () => this.#flush()],
    ["delete", (_: number, at: number) => this.#delete(at)],
  ]);

  private constructor(
    redis: TestRedis,
    network: Network,
    random: Random,
    topics: readonly string[],
  ) {
    this.#redis = redis;
    this.#network = network;
    this.#random = random;
    this.#topics = topics;
    this.environment = { REDIS_URL: network.url.replace("http:", "redis:") };
  }

  static async start(random: Random, topics: readonly string[]): Promise<StandaloneStore> {
    const redis = await TestRedis.start({ durable: true });
    await redis.command(PUBSUB_BUFFER);
    const network = await Network.start({
      target: () => new URL(redis.url),
      random,
      meanBytesUntilCut: Number.POSITIVE_INFINITY,
    });
    return new StandaloneStore(redis, network, random, topics);
  }

  async contents(topics: readonly string[]): Promise<Contents> {
    return this.#ask(async (client) => {
      const held = new Map<string, readonly Entry[]>();
      for (const topic of topics) {
        const raw = (await client.xrange(streamKey(topic), "-", "+")) as RawEntry[];
        held.set(
          topic,
          raw.map((entry) => entryOf(topic, entry)),
        );
      }
      return held;
    });
  }

  async #kill(durationMs: number): Promise<Aftermath> {
    await this.#redis.kill();
    await delay(durationMs);
    await this.#redis.start();
    await this.#redis.command(PUBSUB_BUFFER);
    return {};
  }

  async #pause(durationMs: number): Promise<Aftermath> {
    this.#redis.pause();
    await delay(durationMs);
    this.#redis.resume();
    return {};
  }

  async #cut(): Promise<Aftermath> {
    this.#network.cutAll();
    return {};
  }

  async #freeze(durationMs: number): Promise<Aftermath> {
    await this.#network.freeze(durationMs, 0.7, this.#random);
    return {};
  }

  async #killFollowers(): Promise<Aftermath> {
    await this.#ask((client) => client.call("CLIENT", "KILL", "TYPE", "pubsub"));
    return {};
  }

  async #flush(): Promise<Aftermath> {
    return { lost: await this.#takeAway(this.#topics, (multi) => multi.flushall()) };
  }

  async #delete(at: number): Promise<Aftermath> {
    const topic = this.#topics[at % this.#topics.length]!;
    return { lost: await this.#takeAway([topic], (multi) => multi.del(streamKey(topic))) };
  }

  /** Reads and empties in one atomic step, so that what was there is known to the last entry. */
  #takeAway(
    topics: readonly string[],
    empty: (multi: ReturnType<Redis["multi"]>) => unknown,
  ): Promise<Contents> {
    return this.#ask(async (client) => {
      const multi = client.multi();
      for (const topic of topics) multi.xrange(streamKey(topic), "-", "+");
      empty(multi);
      const replies = (await multi.exec()) ?? [];
      return new Map(
        topics.map((topic, index) => {
          const [error, raw] = replies[index] ?? [new Error("no reply")];
          if (error) throw error;
          return [topic, (raw as RawEntry[]).map((entry) => entryOf(topic, entry))];
        }),
      );
    });
  }

  /** Past the network, over a connection of its own. */
  async #ask<T>(question: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.#redis.url, { lazyConnect: true });
    try {
      return await question(client);
    } finally {
      client.disconnect();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
    await this.#redis[Symbol.asyncDispose]();
  }
}
