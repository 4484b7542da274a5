import { afterAll, beforeAll, describe } from "vitest";
import { stateStoreSpec } from "../spec/state-store.spec.ts";
import { openRedisBackend } from "../support/redis-backend.ts";
import { flushAll, REDIS_FORMS, type RedisForm } from "../support/redis-forms.ts";

describe.each(REDIS_FORMS)("the Redis state store on %s", (_, start) => {
  let redis: RedisForm;
  beforeAll(async () => {
    redis = await start();
  }, 60_000);
  afterAll(() => redis[Symbol.asyncDispose]());

  stateStoreSpec(async () => {
    await flushAll(redis);
    const { state, ...backend } = await openRedisBackend({ REDIS_URL: redis.url });
    // Its owner closes the connections, too.
    return Object.assign(state, { [Symbol.asyncDispose]: backend[Symbol.asyncDispose] });
  });
});
