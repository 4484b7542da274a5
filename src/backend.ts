import { randomUUID } from "node:crypto";
import type { Config, RedisSettings } from "./config.ts";
import type { DisposalStack } from "./disposal.ts";
import type { EventLog } from "./log/event-log.ts";
import { MemoryEventLog } from "./log/memory-event-log.ts";
import { RedisEventLog } from "./log/redis-event-log.ts";
import { ClusterFollower, type ClusterFollowerOptions } from "./redis/cluster-follower.ts";
import { ClusterMasters } from "./redis/cluster-masters.ts";
import type { Follower } from "./redis/follower.ts";
import { MasterFollower } from "./redis/master-follower.ts";
import { createRedisConnection, type RedisAccess, whenReady } from "./redis/redis-connection.ts";
import type { RedisMasters } from "./redis/redis-masters.ts";
import { requireUsable, UnsupportedRedisError } from "./redis/redis-version.ts";
import { SingleMaster } from "./redis/single-master.ts";
import { MemoryStateStore } from "./state/memory-state-store.ts";
import { RedisStateStore } from "./state/redis-state-store.ts";
import type { StateStore } from "./state/state-store.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Metrics } from "./telemetry/metrics.ts";

/** How long the start waits for Redis before it goes on without. */
const CONNECT_PATIENCE_MS = 3_000;

/** Where events and agreements are kept. */
export interface Backend {
  readonly log: EventLog;
  readonly state: StateStore;
  readonly redis: () => "up" | "down" | "embedded";
  /** False until it has been seen to work once. */
  readonly proven: () => boolean;
}

/** Redis where it is configured, else this process' memory. Owned by `stack`. */
export async function createBackend(
  config: Config,
  logger: Logger,
  metrics: Metrics,
  stack: DisposalStack,
): Promise<Backend> {
  if (config.redis) return createRedisBackend(config, config.redis, logger, metrics, stack);
  logger.warn("no REDIS_URL: events are kept in this process' memory, and a restart forgets them");
  const log = stack.use(
    new MemoryEventLog({ retention: config.retention, maxBytes: config.embeddedLogBytes }),
  );
  return {
    log,
    state: stack.use(new MemoryStateStore()),
    redis: () => "embedded",
    proven: () => true,
  };
}

async function createRedisBackend(
  config: Config,
  settings: RedisSettings,
  logger: Logger,
  metrics: Metrics,
  stack: DisposalStack,
): Promise<Backend> {
  let proven = false;
  metrics.redis.up(false);
  const probing: Probing = {
    probeIntervalMs: config.probeIntervalMs,
    probeTimeoutMs: config.probeTimeoutMs,
    onHealth: (up) => {
      proven ||= up;
      metrics.redis.up(up);
      if (up) logger.info("redis delivers");
      else logger.warn("redis does not deliver: streams stay open and wait");
    },
    onMaster: (master, health) => {
      metrics.redis.master(master, health === "gone" ? undefined : health === "up");
      if (health === "up") logger.info({ master }, "a redis master delivers");
      if (health === "down")
        logger.warn({ master }, "a redis master does not deliver: its topics wait");
    },
  };
  const access = { ...settings, logger };
  const connect = access.endpoint.kind === "cluster" ? connectCluster : connectMaster;
  const { masters, follower } = await connect(access, probing, stack);
  const log = stack.use(new RedisEventLog({ masters, follower, retention: config.retention }));
  const state = stack.use(new RedisStateStore(masters));
  return { log, state, redis: () => (follower.up ? "up" : "down"), proven: () => proven };
}

interface Probing {
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly onHealth: (up: boolean) => void;
  readonly onMaster: ClusterFollowerOptions["onMaster"];
}

interface Connected {
  readonly masters: RedisMasters;
  readonly follower: Follower;
}

/** One server, or the one that Sentinels name: a connection for commands and one for following. */
async function connectMaster(
  access: RedisAccess,
  probing: Probing,
  stack: DisposalStack,
): Promise<Connected> {
  const commands = createRedisConnection({ ...access, name: "commands" });
  const masters = stack.use(new SingleMaster(commands));
  const subscriber = createRedisConnection({ ...access, name: "follow", subscriber: true });
  stack.defer(() => subscriber.disconnect());
  const { endpoint, logger } = access;
  const [ready] = await Promise.all([
    whenReady(commands, CONNECT_PATIENCE_MS),
    whenReady(subscriber, CONNECT_PATIENCE_MS),
  ]);
  if (ready) await requireUsable(commands, endpoint.kind);
  else {
    tellAway(access);
    commands.once("ready", () => {
      void requireUsable(commands, endpoint.kind).catch((err: unknown) => {
        logger.error({ err }, "redis cannot be used");
        if (err instanceof UnsupportedRedisError) commands.disconnect();
      });
    });
  }
  const probeChannel = `novastream:{probe:${randomUUID()}}`;
  const follower = stack.use(
    new MasterFollower({
      ...probing,
      subscriber,
      commands,
      logger,
      probeChannel: () => probeChannel,
    }),
  );
  return { masters, follower };
}

/** The masters of a cluster: two connections to each. */
async function connectCluster(
  access: RedisAccess,
  probing: Probing,
  stack: DisposalStack,
): Promise<Connected> {
  const { endpoint } = access;
  if (endpoint.kind !== "cluster") throw new TypeError("the endpoint is no cluster");
  const masters = stack.use(new ClusterMasters(access, endpoint.nodes));
  if (!(await masters.connect(CONNECT_PATIENCE_MS))) tellAway(access);
  const follower = stack.use(new ClusterFollower({ ...probing, access, masters }));
  return { masters, follower };
}

function tellAway({ logger }: RedisAccess): void {
  logger.warn("redis cannot be reached yet: the service starts, and is ready once Redis is");
}
