import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionOptions } from "node:tls";
import { Redis, type RedisOptions } from "ioredis";
import type { Logger } from "../telemetry/logger.ts";
import { readCertificateAuthority } from "./certificate-authority.ts";
import { LastingRedis } from "./lasting-redis.ts";
import type { RedisAddress, RedisEndpoint } from "./redis-endpoint.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 5_000;

/** How connections are made, whatever they are for. */
export interface RedisAccess {
  readonly endpoint: RedisEndpoint;
  readonly sentinelUsername?: string | undefined;
  readonly sentinelPassword?: string | undefined;
  /** A PEM file with the authority that signs the servers' certificates; undefined = those that Node trusts. */
  readonly caFile?: string | undefined;
  /** The name that certificates are checked against; undefined = the host that is connected to. */
  readonly tlsServerName?: string | undefined;
  readonly logger: Logger;
}

export interface RedisConnectionOptions extends RedisAccess {
  /** What the connection is for; it shows in `CLIENT LIST`. */
  readonly name: string;
  /** For subscribing only. */
  readonly subscriber?: boolean;
  /** The node of a cluster to connect to. */
  readonly node?: RedisAddress;
  /** False gives up when the connection is lost, and leaves it to the caller to tell. */
  readonly reconnect?: boolean;
}

/**
 * A client that never repeats a command by itself.
 *
 * ioredis by default re-sends what was under way when a connection broke, and queues what is sent meanwhile: an append
 * whose reply was lost would stand in the log twice. So each failure surfaces at once; who may repeat (with a token or an
 * idempotency key that makes it safe) does so itself.
 */
export function createRedisConnection(options: RedisConnectionOptions): Redis {
  const { endpoint, logger, name, subscriber = false, reconnect = true } = options;
  const settings: RedisOptions = {
    connectionName: `novastream-${name}`,
    lazyConnect: true,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // ioredis would pipeline SSUBSCRIBE too, though it spares the other subscribing commands.
    enableAutoPipelining: !subscriber,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: 500,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) =>
      reconnect
        ? Math.min(50 * 2 ** Math.min(attempt, 6), 2_000) * (0.5 + Math.random() / 2)
        : null,
    // A master that has been demoted refuses writes for good: the new one is found by connecting anew.
    reconnectOnError: ({ message }) => reconnect && message.startsWith("READONLY"),
    ...(endpoint.username === undefined ? {} : { username: endpoint.username }),
    ...(endpoint.password === undefined ? {} : { password: endpoint.password }),
    ...target(options),
  };
  const client = reconnect ? new LastingRedis(settings) : new Redis(settings);
  if (reconnect) tellOutages(client, name, logger);
  // Those of a cluster that is away are made again and again, and its other connections have told. ioredis would print
  // what nobody listens to.
  else client.on("error", (err: Error) => logger.debug({ err, connection: name }, "no connection"));
  return client;
}

function target(options: RedisConnectionOptions): RedisOptions {
  const { endpoint, node } = options;
  const tls = endpoint.tls ? tlsOptions(options) : undefined;
  if (endpoint.kind !== "sentinel" || node) {
    const { host, port } = node ?? (endpoint as { address: RedisAddress }).address;
    const db = endpoint.kind === "standalone" ? endpoint.db : 0;
    return { host, port, db, ...(tls ? { tls } : {}) };
  }
  const { sentinelUsername, sentinelPassword } = options;
  return {
    sentinels: endpoint.sentinels.map(({ host, port }) => ({ host, port })),
    name: endpoint.master,
    db: endpoint.db,
    // Does not wait for the old master to be noticed: the Sentinels say when there is another.
    failoverDetector: true,
    sentinelRetryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
    sentinelReconnectStrategy: () => 1_000,
    sentinelCommandTimeout: 2_000,
    ...(sentinelUsername === undefined ? {} : { sentinelUsername }),
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
    ...(tls ? { tls, sentinelTLS: tls, enableTLSForSentinelMode: true } : {}),
  };
}

function tlsOptions({ caFile, tlsServerName }: RedisAccess): ConnectionOptions {
  return {
    ...(caFile === undefined ? {} : { ca: readCertificateAuthority(caFile) }),
    ...(tlsServerName === undefined ? {} : { servername: tlsServerName }),
  };
}

/** One line for each outage: ioredis reports every attempt. */
function tellOutages(client: Redis, connection: string, logger: Logger): void {
  let told = false;
  const onTrouble = (err: Error): void => {
    if (!told) logger.warn({ err, connection }, "redis connection lost, reconnecting");
    told = true;
  };
  client.on("error", onTrouble);
  client.on("sentinelError", onTrouble);
  client.on("ready", () => {
    if (told) logger.info({ connection }, "redis connection is back");
    told = false;
  });
}

/** True once the client is ready, false where that takes longer than `patienceMs`. */
export async function whenReady(client: Redis, patienceMs: number): Promise<boolean> {
  // A first failure is the start of ioredis' own reconnecting, not the end; its error event has told why.
  if (client.status === "wait") client.connect().catch(() => undefined);
  if (client.status === "ready") return true;
  const abort = new AbortController();
  // Not `once` of node:events, which takes the first error for the end of the wait.
  let onReady = (): void => undefined;
  const ready = new Promise<true>((resolve) => {
    client.once("ready", (onReady = () => resolve(true)));
  });
  const impatient = delay(patienceMs, false as const, { signal: abort.signal, ref: false });
  return Promise.race([ready, impatient]).finally(() => {
    abort.abort();
    client.off("ready", onReady);
  });
}
