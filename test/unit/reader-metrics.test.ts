import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Batch } from "../../src/hub/batch.ts";
import { Hub } from "../../src/hub/hub.ts";
import { LiveReaders } from "../../src/hub/live-readers.ts";
import type { Subscription } from "../../src/hub/subscription.ts";
import { parseTopic } from "../../src/log/topic.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { Collector } from "../support/collector.ts";
import { UnreliableLog } from "../support/hub-model.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const topics = ["app:a", "app:b", "app:c"].map((topic) => parseTopic(topic));
const topic = topics[0]!;
const tick = { type: "tick", data: "1" };

describe("what the hub counts of its readers", () => {
  let metrics: Metrics;
  let unreliable: UnreliableLog;
  let hub: Hub;
  beforeEach(() => {
    metrics = new Metrics();
    unreliable = new UnreliableLog([0]);
    hub = new Hub({
      log: unreliable.log,
      metrics,
      logger: createLogger({ level: "silent", pretty: false }),
      ringCapacity: 16,
      ringBytes: 1e6,
      auditMs: 1e9,
    });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await hub[Symbol.asyncDispose]();
  });

  const figure = async (line: string): Promise<number> =>
    Number(
      (await metrics.registry.metrics())
        .split("\n")
        .find((candidate) => candidate.startsWith(`streaming_${line} `))
        ?.split(" ")
        .at(-1),
    );

  it(
    "is how late the event came to each of them, the last of thousands included",
    verifies("metrics"),
    async () => {
      vi.useFakeTimers({ toFake: ["Date"], now: 10_000 });
      const live = new LiveReaders(metrics);
      for (let n = 0; n < 1_000; n++) {
        const offer = (): boolean => {
          // Every tenth is full.
          if (n % 10 === 0) return false;
          vi.setSystemTime(Date.now() + 1);
          return true;
        };
        live.add({ offer } as unknown as Subscription);
      }
      const position = { ms: 9_900, n: 1 };
      live.offer(new Batch([{ ...tick, position, last: false } as never]));
      expect(await figure("delivery_latency_seconds_count")).toBe(900);
      const mean = (await figure("delivery_latency_seconds_sum")) / 900;
      // The true mean is 0.1 s and half of the 0.9 s of the round; looked at now and then, at most the pace of a look more.
      expect(mean).toBeGreaterThanOrEqual(0.55);
      expect(mean).toBeLessThan(0.55 + 0.128);
      expect(await figure('delivery_latency_seconds_bucket{le="0.5"}')).toBe(384);
    },
  );

  it(
    "is one connection that lags, in however many topics, until it lags in none",
    verifies("metrics"),
    async () => {
      const requests = topics.map((each) => ({
        topic: each,
        start: { kind: "latest" } as const,
      }));
      const [slow, other] = [new Collector(hub, requests), new Collector(hub, requests)];
      await eventually(() => slow.isLive && other.isLive);
      slow.writable = false;
      for (const each of topics) await unreliable.log.append(each, [tick]);
      await eventually(() => other.taken.length === 3);
      expect(await figure("lagging_subscriptions")).toBe(3);
      expect(await figure("lagging_connections")).toBe(1);
      slow.writable = true;
      slow.reader.kick();
      await eventually(() => slow.taken.length === 3);
      expect(await figure("lagging_connections")).toBe(0);
      other.writable = false;
      await unreliable.log.append(topic, [tick]);
      await eventually(async () => (await figure("lagging_connections")) === 1);
      other.reader.close();
      expect(await figure("lagging_connections")).toBe(0);
      slow.reader.close();
    },
  );

  it(
    "is that the log has lost what was delivered from it, once for all readers of the topic",
    verifies("metrics"),
    async () => {
      const start = { kind: "earliest" } as const;
      const readers = [1, 2].map(() => new Collector(hub, [{ topic, start }]));
      await eventually(() => readers.every(({ isLive }) => isLive));
      await unreliable.log.append(topic, [tick, tick, tick]);
      await eventually(() => readers.every(({ taken }) => taken.length === 3));
      expect(await figure("retractions_total")).toBe(0);
      await unreliable.rollback(topic, 1, true);
      await eventually(() => readers.every(({ gaps }) => gaps.length === 1));
      expect(await figure("retractions_total")).toBe(1);
      for (const { reader } of readers) reader.close();
    },
  );

  it(
    "is what a cursor was good for: one that is none of ours says nothing about the log",
    verifies("metrics"),
    async () => {
      await unreliable.log.append(topic, [tick]);
      const start = { kind: "earliest" } as const;
      const reader = new Collector(hub, [{ topic, start, unusableCursor: true }]);
      await eventually(() => reader.isLive);
      expect(reader.gaps).toMatchObject([{ reason: "reset" }]);
      expect(await figure('gaps_total{reason="unusable"}')).toBe(1);
      expect(await figure('gaps_total{reason="reset"}')).toBe(0);
      expect(await figure('resumes_total{result="unusable"}')).toBe(1);
      reader.reader.close();
    },
  );
});
