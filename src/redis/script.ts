import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RedisMasters } from "./redis-masters.ts";

/**
 * One Lua file, run by its hash. We retry NOSCRIPT ourselves, because a script that was not found has done nothing,
 * while ioredis' own script cache does not notice that a restarted Redis has forgotten what it was told.
 */
export class Script {
  readonly #source: string;
  readonly #hash: string;

  /** @param url of the Lua file, beside the module that uses it */
  constructor(url: URL) {
    this.#source = readFileSync(url, "utf8");
    this.#hash = createHash("sha1").update(this.#source).digest("hex");
  }

  /** @param keys of one slot; the first one says where it runs */
  async run(
    masters: RedisMasters,
    keys: readonly [string, ...string[]],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await masters.run(keys[0], (client) =>
        client.evalsha(this.#hash, keys.length, ...keys, ...args),
      );
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return masters.run(keys[0], (client) =>
        client.eval(this.#source, keys.length, ...keys, ...args),
      );
    }
  }
}
