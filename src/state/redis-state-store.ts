import type { RedisMasters } from "../redis/redis-masters.ts";
import { Script } from "../redis/script.ts";
import type { StateStore } from "./state-store.ts";

const claimKey = (key: string): string => `novastream:claim:${key}`;
const groupKey = (group: string): string => `novastream:hold:${group}`;
const directoryKey = (directory: string): string => `novastream:directory:${directory}`;

const script = (name: string): Script => new Script(new URL(`${name}.lua`, import.meta.url));
const [RECLAIM, HOLD, HELD, LAPSED] = ["reclaim", "hold", "held", "lapsed"].map(script) as [
  Script,
  Script,
  Script,
  Script,
];
/** Names in one call: what a script is given, and how long it holds Redis. */
const NAMES_MAX = 1_000;

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

  async reclaim(key: string, expected: string, value: string, ttlMs: number): Promise<string> {
    return RECLAIM.run(this.#masters, [claimKey(key)], [expected, value, ttlMs]) as Promise<string>;
  }

  async claimed(key: string): Promise<string | undefined> {
    const name = claimKey(key);
    return (await this.#masters.run(name, (client) => client.get(name))) ?? undefined;
  }

  async release(key: string): Promise<void> {
    const name = claimKey(key);
    await this.#masters.run(name, (client) => client.del(name));
  }

  async hold(
    group: string,
    names: readonly string[],
    ttlMs: number,
    limit?: number,
  ): Promise<boolean> {
    const answers = await inPages(names, (page) =>
      HOLD.run(this.#masters, [groupKey(group)], [ttlMs, limit ?? "", ...page]),
    );
    return answers.every((answer) => answer === 1);
  }

  async letGo(group: string, names: readonly string[]): Promise<void> {
    const key = groupKey(group);
    await inPages(names, (page) => this.#masters.run(key, (client) => client.zrem(key, ...page)));
  }

  async held(group: string, names: readonly string[]): Promise<boolean[]> {
    const answers = await inPages(names, (page) =>
      HELD.run(this.#masters, [groupKey(group)], page),
    );
    return (answers as number[][]).flat().map((answer) => answer === 1);
  }

  async lapsed(group: string, limit: number): Promise<string[]> {
    return LAPSED.run(this.#masters, [groupKey(group)], [limit]) as Promise<string[]>;
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

/** Calls with so many names at a time as a script may be given. */
async function inPages<T>(
  names: readonly string[],
  call: (page: readonly string[]) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = [];
  for (let from = 0; from < names.length; from += NAMES_MAX)
    answers.push(await call(names.slice(from, from + NAMES_MAX)));
  return answers;
}
