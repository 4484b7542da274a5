import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe } from "vitest";
import { RedisEventLog } from "../../src/log/redis-event-log.ts";
import { RedisFollower } from "../../src/redis/redis-follower.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { connectRedis, createRedisConnection } from "../../src/redis/redis-connection.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { eventLogSpec } from "../spec/event-log.spec.ts";
import { TestRedis } from "../support/redis.ts";

const retention = { ...DEFAULT_RETENTION, app: { count: 100, idleMs: 3_600_000 } };
const logger = createLogger({ level: "silent", pretty: false });

describe("the Redis log", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await TestRedis.start();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  eventLogSpec(async () => {
    await redis.command("FLUSHALL");
    const [commands, subscriber] = ["commands", "follow"].map((name) =>
      createRedisConnection({ url: redis.url, name, logger }),
    );
    await Promise.all([
      connectRedis(commands!, 5_000, logger),
      connectRedis(subscriber!, 5_000, logger),
    ]);
    const follower = new RedisFollower({
      subscriber: subscriber!,
      commands: commands!,
      logger,
      probeChannel: `novastream:{probe:${randomUUID()}}`,
      probeIntervalMs: 1_000,
      probeTimeoutMs: 5_000,
      onHealth: () => {},
    });
    return {
      log: new RedisEventLog({ commands: commands!, follower, retention }),
      flush: async () => void (await redis.command("FLUSHALL")),
      [Symbol.asyncDispose]: async () => {
        await follower[Symbol.asyncDispose]();
        commands!.disconnect();
        subscriber!.disconnect();
      },
    };
  });
});
