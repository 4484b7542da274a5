import { afterAll, beforeAll, describe } from "vitest";
import { connectRedis, createRedisConnection } from "../../src/redis/redis-connection.ts";
import { RedisStateStore } from "../../src/state/redis-state-store.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { stateStoreSpec } from "../spec/state-store.spec.ts";
import { TestRedis } from "../support/redis.ts";

const logger = createLogger({ level: "silent", pretty: false });

describe("the Redis state store", () => {
  let redis: TestRedis;
  const clients: { disconnect(): void }[] = [];
  beforeAll(async () => {
    redis = await TestRedis.start();
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await redis[Symbol.asyncDispose]();
  });

  stateStoreSpec(async () => {
    await redis.command("FLUSHALL");
    const client = createRedisConnection({ url: redis.url, name: "state", logger });
    clients.push(client);
    await connectRedis(client, 5_000, logger);
    return new RedisStateStore(client);
  });
});
