import { afterAll, beforeAll, describe } from "vitest";
import { eventLogSpec } from "../spec/event-log.spec.ts";
import { openRedisBackend } from "../support/redis-backend.ts";
import { flushAll, REDIS_FORMS, type RedisForm } from "../support/redis-forms.ts";

describe.each(REDIS_FORMS)("the Redis log on %s", (_, start) => {
  let redis: RedisForm;
  beforeAll(async () => {
    redis = await start();
  }, 60_000);
  afterAll(() => redis[Symbol.asyncDispose]());

  eventLogSpec(async () => {
    await flushAll(redis);
    const backend = await openRedisBackend({ REDIS_URL: redis.url, RETENTION_APP: "100,1h" });
    return { ...backend, flush: () => flushAll(redis) };
  });
});
