import { randomUUID } from "node:crypto";
import type { Config } from "./config.ts";
import type { DisposalStack } from "./disposal.ts";
import type { EventLog } from "./log/event-log.ts";
import { MemoryEventLog } from "./log/memory-event-log.ts";
import { RedisEventLog } from "./log/redis-event-log.ts";
import { RedisFollower } from "./redis/redis-follower.ts";
import { connectRedis, createRedisConnection } from "./redis/redis-connection.ts";
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
  if (config.redisUrl !== undefined)
    return createRedisBackend(config, config.redisUrl, logger, metrics, stack);
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
  url: string,
  logger: Logger,
  metrics: Metrics,
  stack: DisposalStack,
): Promise<Backend> {
  const connect = (name: string, subscriber = false) => {
    const client = createRedisConnection({ url, name, logger, subscriber });
    stack.defer(() => client.disconnect());
    return client;
  };
  const [commands, subscriber] = [connect("commands"), connect("follow", true)];
  await Promise.all([
    connectRedis(commands, CONNECT_PATIENCE_MS, logger),
    connectRedis(subscriber, CONNECT_PATIENCE_MS, logger),
  ]);
  let proven = false;
  metrics.redisUp(false);
  const follower = stack.use(
    new RedisFollower({
      subscriber,
      commands,
      logger,
      probeChannel: `novastream:{probe:${randomUUID()}}`,
      probeIntervalMs: config.probeIntervalMs,
      probeTimeoutMs: config.probeTimeoutMs,
      onHealth: (up) => {
        proven ||= up;
        metrics.redisUp(up);
        if (up) logger.info("redis delivers");
        else logger.warn("redis does not deliver: streams stay open and wait");
      },
    }),
  );
  const log = stack.use(new RedisEventLog({ commands, follower, retention: config.retention }));
  const state = stack.use(new RedisStateStore(commands));
  return { log, state, redis: () => (follower.up ? "up" : "down"), proven: () => proven };
}
