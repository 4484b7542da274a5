import { readFileSync } from "node:fs";
import { Histogram, Registry } from "prom-client";
import { expect, it } from "vitest";
import { ERROR_CODES } from "../../src/errors.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { WeightedHistogram } from "../../src/telemetry/weighted-histogram.ts";
import { verifies } from "../support/verifies.ts";

const PREFIX = "streaming_";

it(
  "README lists every metric of the service with its labels, and no other",
  verifies("metrics"),
  async () => {
    const metrics = new Metrics();
    metrics.redis.up(true);
    metrics.redis.master("10.0.0.1:6379", true);
    metrics.chat.maxGenerations(1);
    const { registry } = metrics;
    const made = (await registry.getMetricsAsJSON())
      .map(({ name }) => name)
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => {
        const { labelNames } = registry.getSingleMetric(name) as unknown as {
          labelNames: string[];
        };
        return (
          name.slice(PREFIX.length) + (labelNames.length > 0 ? `{${labelNames.join(",")}}` : "")
        );
      });
    const readme = readFileSync("README.md", "utf8");
    const from = readme.indexOf("### Metrics");
    const table = readme.slice(from, readme.indexOf("\n## ", from));
    const listed = [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!);
    expect(listed.sort()).toEqual(made.sort());
  },
);

/** The values of a metric, by those of its labels. */
async function valuesOf(metrics: Metrics, name: string): Promise<Record<string, number>> {
  const { values } = await metrics.registry.getSingleMetric(PREFIX + name)!.get();
  return Object.fromEntries(
    values.map(({ labels, value }) => [Object.values(labels).join(" "), value]),
  );
}

it(
  "counts an outage of Redis when it begins, and none before Redis was there",
  verifies("alerts"),
  async () => {
    const metrics = new Metrics();
    const outages = async () => (await valuesOf(metrics, "redis_outages_total"))[""];
    expect(metrics.registry.getSingleMetric("streaming_redis_outages_total")).toBeUndefined();
    for (const up of [false, false, true, true]) metrics.redis.up(up);
    expect(await outages()).toBe(0);
    for (const up of [false, false, true, false]) metrics.redis.up(up);
    expect(await outages()).toBe(2);
  },
);

it("tells of each master of a cluster, as long as it is one", verifies("alerts"), async () => {
  const { redis, registry } = new Metrics();
  redis.up(false);
  expect(registry.getSingleMetric("streaming_redis_master_up")).toBeUndefined();
  redis.master("10.0.0.1:6379", true);
  redis.master("10.0.0.2:6379", false);
  redis.master("10.0.0.3:6379", true);
  redis.master("10.0.0.3:6379", undefined);
  const { values } = await registry.getSingleMetric("streaming_redis_master_up")!.get();
  expect(values.map(({ labels, value }) => [labels["master"], value])).toEqual([
    ["10.0.0.1:6379", 1],
    ["10.0.0.2:6379", 0],
  ]);
});

it(
  "has what alerts count from its start on, as a first one is no increase else",
  verifies("alerts"),
  async () => {
    const metrics = new Metrics();
    metrics.chat.models(["demo"]);
    const values = (name: string) => valuesOf(metrics, name);
    expect(Object.keys(await values("errors_total"))).toEqual(Object.keys(ERROR_CODES));
    expect(await values("gaps_total")).toEqual({ trimmed: 0, reset: 0, unusable: 0 });
    expect(await values("resumes_total")).toEqual({ joined: 0, trimmed: 0, reset: 0, unusable: 0 });
    expect(await values("closes_total")).toMatchObject({ gone: 0, internal: 0, stalled: 0 });
    expect(await values("connections_total")).toMatchObject({
      "sse accepted": 0,
      "websocket overloaded": 0,
      "long-poll overloaded": 0,
    });
    expect(await values("chat_generations_ended_total")).toEqual({
      "finished demo": 0,
      "stopped demo": 0,
      "failed demo": 0,
    });
    for (const name of ["chat_generations", "chat_refused_total", "retractions_total"])
      expect(Object.values(await values(name)), name).toEqual([0]);
  },
);

it("tells no limit of answers where there is none", verifies("alerts"), () => {
  const metrics = new Metrics();
  metrics.chat.maxGenerations(0);
  expect(metrics.registry.getSingleMetric("streaming_chat_max_generations")).toBeUndefined();
});

it(
  "counts many equal observations as prom-client's histogram counts each of them",
  verifies("metrics"),
  async () => {
    const buckets = [0.25, 0.5, 2.5];
    const [one, all] = [new Registry(), new Registry()];
    const single = new Histogram({ name: "lag", help: "Lag", buckets, registers: [one] });
    const weighted = new WeightedHistogram("lag", "Lag", buckets);
    weighted.register(all);
    for (const [value, count] of [
      [0, 3],
      [0.25, 1],
      [0.375, 4],
      [2.5, 2],
      [8, 5],
    ] as const) {
      weighted.observe(value, count);
      for (let n = 0; n < count; n++) single.observe(value);
    }
    expect(await all.metrics()).toBe(await one.metrics());
  },
);
