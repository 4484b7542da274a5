import type { Redis } from "ioredis";
import { reply } from "../redis/redis-connection.ts";
import type { StateStore } from "./state-store.ts";

const claimKey = (key: string): string => `novastream:claim:${key}`;
const directoryKey = (directory: string): string => `novastream:directory:${directory}`;

/** The store on Redis. It does not own the connection. */
export class RedisStateStore implements StateStore {
  readonly #commands: Redis;

  constructor(commands: Redis) {
    this.#commands = commands;
  }

  async claim(key: string, value: string, ttlMs: number): Promise<string> {
    const held = await reply(this.#commands.set(claimKey(key), value, "PX", ttlMs, "NX", "GET"));
    return held ?? value;
  }

  async claimed(key: string): Promise<string | undefined> {
    return (await reply(this.#commands.get(claimKey(key)))) ?? undefined;
  }

  async release(key: string): Promise<void> {
    await reply(this.#commands.del(claimKey(key)));
  }

  async add(directory: string, name: string): Promise<void> {
    // Equal scores make a sorted set a sorted set of names.
    await reply(this.#commands.zadd(directoryKey(directory), 0, name));
  }

  async remove(directory: string, name: string): Promise<void> {
    await reply(this.#commands.zrem(directoryKey(directory), name));
  }

  async list(directory: string, after: string, limit: number): Promise<string[]> {
    const from = after === "" ? "-" : `(${after}`;
    return reply(this.#commands.zrangebylex(directoryKey(directory), from, "+", "LIMIT", 0, limit));
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
