import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { publishUntilDone } from "../support/publish.ts";
import { isLive, readWithEventSource } from "../support/readers.ts";
import { TestSentinel } from "../support/redis-sentinel.ts";
import type { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const dataOf = (reader: { received: { data: unknown }[] }) =>
  reader.received.map(({ data }) => (data as { data: number }).data);

describe("a master that Sentinels watch over", () => {
  // A new one for each test: a killed master takes its Sentinels ten seconds to take back.
  let sentinel: TestSentinel;
  beforeEach(async () => {
    sentinel = await TestSentinel.start({ password: "s3cret", sentinelPassword: "w@tch" });
  }, 60_000);
  afterEach(() => sentinel[Symbol.asyncDispose]());

  const environment = () => ({
    REDIS_URL: sentinel.url,
    REDIS_SENTINEL_PASSWORD: "w@tch",
    PROBE_INTERVAL: "200ms",
    PROBE_TIMEOUT: "1s",
    RETRY_DELAY: "5ms",
  });

  it(
    "may be replaced by an orderly failover: streams stay open, nothing is doubled, and nothing lost but what the old master took after the new one was made",
    verifies("redis-sentinel"),
    async () => {
      await using service = await startTestService(environment());
      using reader = readWithEventSource(
        `${service.url}/api/v1/events?topic=app:orderly&from=earliest`,
        ["tick"],
      );
      await isLive(reader);
      let published = 0;
      const publishing = (async () => {
        for (; published < 400; published++)
          await publishUntilDone(
            () => service.url,
            "app:orderly",
            [{ type: "tick", data: published }],
            `k${published}`,
          );
      })();
      await eventually(() => published > 100);
      const old = await sentinel.master();
      const firstAtRisk = published;
      await sentinel.failover();
      await eventually(async () => ((await old.ask("ROLE")) as unknown[])[0] === "slave");
      const lastAtRisk = published;
      await publishing;
      await eventually(() => dataOf(reader).at(-1) === 399, { timeoutMs: 30_000 });
      // Every event is given: a reader sees also what is taken back later, unless it was away just then.
      const given = new Set(dataOf(reader));
      const missing = Array.from({ length: 400 }, (_, n) => n).filter((n) => !given.has(n));
      expect(missing.filter((n) => n < firstAtRisk || n > lastAtRisk)).toEqual([]);
      using late = readWithEventSource(
        `${service.url}/api/v1/events?topic=app:orderly&from=earliest`,
        ["tick"],
      );
      await isLive(late);
      const kept = new Set(dataOf(late));
      const taken = Array.from({ length: 400 }, (_, n) => n).filter((n) => !kept.has(n));
      expect(taken.filter((n) => n < firstAtRisk || n > lastAtRisk)).toEqual([]);
      // What has been taken back is told, and only then is anything told.
      const told = reader.controls.filter(({ type }) => type === "gap");
      expect(told.length > 0).toBe(taken.length > 0 || missing.length > 0);
      expect(dataOf(reader)).toEqual([...dataOf(reader)].sort((a, b) => a - b));
      expect(new Set(reader.received.map(({ id }) => id)).size).toBe(reader.received.length);
      expect(reader.connections).toBe(1);
    },
  );

  it(
    "takes back what only it had when it is killed: readers are told a reset, and get nothing twice",
    verifies("failover-told"),
    async () => {
      await using service = await startTestService(environment());
      const api = apiOf(service.url);
      const url = `${service.url}/api/v1/events?topic=app:lossy&from=earliest`;
      using reader = readWithEventSource(url, ["tick"]);
      await isLive(reader);
      for (const n of [1, 2, 3]) await api.publish("app:lossy", { type: "tick", data: n });
      await eventually(() => reader.received.length === 3);
      const old = await sentinel.master();
      await eventually(async () => allHave(sentinel.replicasOf(old), "novastream:{app:lossy}", 3));
      const replicas = sentinel.replicasOf(old);
      for (const replica of replicas) replica.pause();
      await old.ask("CLIENT", "KILL", "TYPE", "replica");
      const lost = [];
      for (const n of [4, 5])
        lost.push(...(await api.publish("app:lossy", { type: "tick", data: n })));
      await eventually(() => reader.received.length === 5);
      await old.kill();
      for (const replica of replicas) replica.resume();
      await sentinel.whenFailedOver(old);
      // Told as soon as the new master is there, though nothing has been published yet.
      await eventually(() => reader.controls.some(({ type }) => type === "gap"), {
        timeoutMs: 20_000,
      });
      await publishUntilDone(() => service.url, "app:lossy", [{ type: "tick", data: 6 }], "six");
      await eventually(() => reader.received.length === 6);
      expect(dataOf(reader)).toEqual([1, 2, 3, 4, 5, 6]);
      const gaps = reader.controls.filter(({ type }) => type === "gap").map(({ data }) => data);
      expect(gaps).toEqual([
        { topic: "app:lossy", from: lost[1], to: null, missed: null, reason: "reset" },
      ]);
      // A late reader sees what the log has, and nothing of what this process has seen before.
      using late = readWithEventSource(url, ["tick"]);
      await isLive(late);
      expect(dataOf(late)).toEqual([1, 2, 3, 6]);
      expect(reader.connections).toBe(1);
    },
  );
});

async function allHave(nodes: readonly TestRedis[], key: string, length: number): Promise<boolean> {
  const lengths = await Promise.all(nodes.map((node) => node.ask("XLEN", key)));
  return lengths.every((count) => count === length);
}
