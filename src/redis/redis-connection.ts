import { setTimeout as delay } from "node:timers/promises";
import { Redis, type RedisOptions } from "ioredis";
import { logUnavailable, ServiceError } from "../errors.ts";
import type { Logger } from "../telemetry/logger.ts";

/** The first release with sharded pub/sub, and with `SET … NX GET`. */
const MINIMUM_MAJOR = 7;

export interface RedisConnectionOptions {
  /** `redis://[user:password@]host:port[/db]`, or `rediss://` for TLS. */
  readonly url: string;
  /** What the connection is for; it shows in `CLIENT LIST`. */
  readonly name: string;
  readonly logger: Logger;
  /** For subscribing only. */
  readonly subscriber?: boolean;
}

/**
 * A client that never repeats a command by itself.
 *
 * ioredis by default re-sends what was under way when a connection broke, and queues what is sent meanwhile: an append
 * whose reply was lost would stand in the log twice. So each failure surfaces at once; who may repeat (with a token or an
 * idempotency key that makes it safe) does so itself.
 */
export function createRedisConnection(options: RedisConnectionOptions): Redis {
  const settings: RedisOptions = {
    connectionName: `novastream-${options.name}`,
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // ioredis would pipeline SSUBSCRIBE too, though it spares the other subscribing commands.
    enableAutoPipelining: !options.subscriber,
    connectTimeout: 5_000,
    disconnectTimeout: 500,
    commandTimeout: 5_000,
    retryStrategy: (attempt) =>
      Math.min(50 * 2 ** Math.min(attempt, 6), 2_000) * (0.5 + Math.random() / 2),
  };
  const client = new Redis(options.url, settings);
  let told = false;
  client.on("error", (err: Error) => {
    // One line for each outage: ioredis reports every attempt.
    if (!told)
      options.logger.warn({ err, connection: options.name }, "redis connection lost, reconnecting");
    told = true;
  });
  client.on("ready", () => {
    if (told) options.logger.info({ connection: options.name }, "redis connection is back");
    told = false;
  });
  return client;
}

/** The server is there, and is no Redis that we can use. */
export class UnsupportedRedisError extends Error {
  override name = "UnsupportedRedisError";
}

/**
 * Connects, waiting at most `patienceMs`: a Redis that is away at start is waited for in the background.
 * @throws UnsupportedRedisError where the server is there but older than 7.0.
 */
export async function connectRedis(
  client: Redis,
  patienceMs: number,
  logger: Logger,
): Promise<void> {
  // A first failure is the start of ioredis' own reconnecting, not the end; its error event has told why.
  client.connect().catch(() => undefined);
  const abort = new AbortController();
  // Not `once` of node:events, which takes the first error for the end of the wait.
  const connected = new Promise<true>((resolve) => {
    client.once("ready", () => resolve(true));
  });
  const impatient = delay(patienceMs, false as const, { signal: abort.signal });
  const ready = await Promise.race([connected, impatient]).finally(() => abort.abort());
  if (ready) return requireVersion(client);
  logger.warn("redis cannot be reached yet: the service starts, and is ready once Redis is");
  client.once("ready", () => {
    void requireVersion(client).catch((err: unknown) => {
      logger.error({ err }, "redis cannot be used");
      if (err instanceof UnsupportedRedisError) client.disconnect();
    });
  });
}

async function requireVersion(client: Redis): Promise<void> {
  const info = await client.info("server");
  const version = /^(?:valkey_version|redis_version):(\S+)/m.exec(info)?.[1] ?? "unknown";
  const flavour = /^valkey_version:/m.test(info) ? "Valkey" : "Redis";
  if (Number.parseInt(version, 10) >= MINIMUM_MAJOR) return;
  throw new UnsupportedRedisError(
    `${flavour} ${version} is too old: NovaStream needs Redis 7.0 or newer, or Valkey, for sharded pub/sub. ` +
      "Upgrade it, or unset REDIS_URL to run on the embedded log.",
  );
}

/** The result of a command, or ServiceError `log-unavailable` when Redis did not answer it. */
export async function reply<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    // A ReplyError is Redis speaking: READONLY, LOADING, OOM and the like pass with time; the rest is a fault of ours.
    const isReply = error instanceof Error && error.name === "ReplyError";
    if (
      isReply &&
      !/^(LOADING|READONLY|OOM|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|MISCONF|BUSY)\b/.test(
        error.message,
      )
    )
      throw error;
    throw logUnavailable(error);
  }
}
