import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RedisEventLog } from "../../src/log/redis-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { parseTopic } from "../../src/log/topic.ts";
import { SingleMaster } from "../../src/redis/single-master.ts";
import { drafts, texts } from "../spec/event-log-fixture.ts";
import { TestRedis } from "../support/redis.ts";
import { verifies } from "../support/verifies.ts";

const topic = parseTopic("app:busy");
const stream = `novastream:{${topic}}`;
const LIMIT = { events: 50, bytes: 1_000_000 };

describe("a read of the Redis log, whose looks have others come between them", () => {
  let redis: TestRedis;
  let client: Redis;
  let master: SingleMaster;
  /** What others do before our command of that number, counted from 1. */
  let between: ReadonlyMap<number, () => Promise<unknown>>;
  let commands: number;
  const log = new RedisEventLog({
    masters: {
      run: async (key, command) => {
        await between.get(++commands)?.();
        return master.run(key, command);
      },
      [Symbol.asyncDispose]: async () => undefined,
    },
    follower: {
      up: true,
      follow: () => Promise.reject(new Error("nobody follows here")),
      [Symbol.asyncDispose]: async () => undefined,
    },
    retention: { ...DEFAULT_RETENTION, app: { count: 0, idleMs: 0 } },
  });

  beforeAll(async () => {
    redis = await TestRedis.start();
    client = new Redis(redis.url);
    master = new SingleMaster(client);
  });
  afterAll(async () => {
    client.disconnect();
    await redis[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await client.flushall();
    [between, commands] = [new Map(), 0];
  });

  const numbers = (count: number) =>
    drafts(...Array.from({ length: count }, (_, n) => `e${n + 1}`));
  const trim = (keep: number) => (): Promise<unknown> => client.xtrim(stream, "MAXLEN", keep);

  it.each([1, 2, 3, 4])(
    "counts all that is missing, also what is trimmed before its command %i",
    verifies("gaps"),
    async (command) => {
      const { first } = await log.append(topic, numbers(300));
      await trim(250)();
      [between, commands] = [new Map([[command, trim(100)]]), 0];
      const { events, gap } = await log.read(topic, { ms: first.ms, n: 10 }, LIMIT);
      const to = events[0]!.position.n;
      expect([50 + 1, 200 + 1]).toContain(to);
      expect(gap).toEqual({ reason: "trimmed", missed: to - 10 - 1 });
      expect(texts(events)[0]).toBe(`e${to}`);
    },
  );

  it("finds the cursor's own entry though it came after the first look", async () => {
    const { first } = await log.append(topic, numbers(3));
    // What a failover has taken back, and the publisher repeats at that moment.
    const cursor = { ms: first.ms, n: 4 };
    const append = () =>
      client.xadd(stream, `${cursor.ms}-4`, "t", "log", "d", '"e4"', "b", String(first.ms));
    for (const command of [2, 3]) {
      [between, commands] = [new Map([[command, append]]), 0];
      const slice = await log.read(topic, cursor, LIMIT);
      expect(slice).toMatchObject({ events: [], gap: undefined, vacant: false });
      expect(slice.retracted).toBeUndefined();
      await client.xdel(stream, `${cursor.ms}-4`);
      await client.xsetid(stream, `${first.ms}-3`);
    }
  });
});
