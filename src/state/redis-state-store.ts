import type { RedisMasters } from "../redis/redis-masters.ts";
import type { StateStore } from "./state-store.ts";

const claimKey = (key: string): string => `novastream:claim:${key}`;
const directoryKey = (directory: string): string => `novastream:directory:${directory}`;

/** The store on Redis. It does not own the connections. */
export class RedisStateStore implements StateStore {
  readonly #masters: RedisMasters;

  constructor(masters: RedisMasters) {
    this.#masters = masters;
  }

  async claim(key: string, value: string, ttlMs: number): Promise<string> {
    const name = claimKey(key);
    const held = await this.#masters.run(name, (client) =>
      client.set(name, value, "PX", ttlMs, "NX", "GET"),
    );
    return held ?? value;
  }

  async claimed(key: string): Promise<string | undefined> {
    const name = claimKey(key);
    return (await this.#masters.run(name, (client) => client.get(name))) ?? undefined;
  }

  async release(key: string): Promise<void> {
    const name = claimKey(key);
    await this.#masters.run(name, (client) => client.del(name));
  }

  async add(directory: string, name: string): Promise<void> {
    const key = directoryKey(directory);
    // Equal scores make a sorted set a sorted set of names.
    await this.#masters.run(key, (client) => client.zadd(key, 0, name));
  }

  async remove(directory: string, name: string): Promise<void> {
    const key = directoryKey(directory);
    await this.#masters.run(key, (client) => client.zrem(key, name));
  }

  async list(directory: string, after: string, limit: number): Promise<string[]> {
    const key = directoryKey(directory);
    const from = after === "" ? "-" : `(${after}`;
    return this.#masters.run(key, (client) =>
      client.zrangebylex(key, from, "+", "LIMIT", 0, limit),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
