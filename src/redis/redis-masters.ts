import type { Redis } from "ioredis";

/**
 * PORT. The masters that hold our keys: one, or those of a cluster.
 *
 * `run` MUST NOT send a command a second time, unless a node has said that it did nothing with it (a redirect). It rejects
 * with ServiceError `log-unavailable` where nobody answers or can serve the key now; other replies of Redis come through.
 */
export interface RedisMasters extends AsyncDisposable {
  /** Runs one command on the master that serves `key`. `command` MUST send exactly one, in the call itself. */
  run<T>(key: string, command: (client: Redis) => Promise<T>): Promise<T>;
}
