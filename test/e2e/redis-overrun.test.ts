import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { isLive, readWithEventSource } from "../support/readers.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const APPEND = readFileSync("src/log/append.lua", "utf8");
const BURSTS = 20;
const EVENTS_PER_BURST = 10;
const STREAM = "novastream:{app:flood}";
const PAD = "x".repeat(15_000);

it(
  "bursts that overrun the subscriber's output buffer are healed, and the connection settles",
  verifies("buffer-overrun"),
  async () => {
    await using redis = await TestRedis.start();
    await redis.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 65536 0 0");
    await using service = await startTestService({ REDIS_URL: redis.url, PROBE_INTERVAL: "50ms" });
    const api = apiOf(service.url);
    using reader = readWithEventSource(`${service.url}/api/v1/events?topic=app:flood`, ["tick"]);
    await isLive(reader);
    const publisher = new Redis(redis.url);
    for (let burst = 0; burst < BURSTS; burst++) {
      // As one transaction, so that Redis has no turn in which it could write any of it to the subscriber.
      const transaction = publisher.multi();
      for (let i = 0; i < EVENTS_PER_BURST; i++) {
        const data = JSON.stringify({ n: burst * EVENTS_PER_BURST + i, PAD });
        const packed = `tick ${data.length}\n${data}`;
        transaction.eval(
          APPEND,
          1,
          STREAM,
          "none",
          0,
          "",
          "",
          "",
          0,
          10_000,
          0,
          packed,
          "tick",
          data,
        );
      }
      await transaction.exec();
    }
    publisher.disconnect();
    const total = BURSTS * EVENTS_PER_BURST;
    await eventually(() => reader.received.length >= total, { timeoutMs: 30_000 });
    const numbers = reader.received.map(({ data }) => (data as { data: { n: number } }).data.n);
    expect(numbers).toEqual(Array.from({ length: total }, (_, n) => n));
    expect(reader.controls.some(({ type }) => type === "gap")).toBe(false);
    expect(await api.metric('streaming_heals_total{cause="reconnect"}')).toBeGreaterThan(0);

    // Nothing of the flood comes again over the new connection: it stays, and it delivers.
    await eventually(async () => (await api.metric("streaming_redis_up")) === 1);
    const before = await followConnection(redis);
    const probes = await probesOf(redis);
    await eventually(async () => (await probesOf(redis)) > probes + 10);
    expect(await followConnection(redis)).toBe(before);
    await api.publish("app:flood", { type: "tick", data: { n: total } });
    await eventually(() => reader.received.length === total + 1, { timeoutMs: 3_000 });
    expect(reader.connections).toBe(1);
  },
);

async function followConnection(redis: TestRedis): Promise<string> {
  const clients = String(await redis.ask("CLIENT", "LIST"));
  const id = /^id=(\d+) .*name=novastream-follow/m.exec(clients)?.[1];
  if (id === undefined) throw new Error("nobody follows");
  return id;
}

async function probesOf(redis: TestRedis): Promise<number> {
  const stats = String(await redis.ask("INFO", "commandstats"));
  return Number(/cmdstat_spublish:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}
