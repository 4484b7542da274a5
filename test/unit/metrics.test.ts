import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { verifies } from "../support/verifies.ts";

const PREFIX = "streaming_";

it(
  "README lists every metric of the service with its labels, and no other",
  verifies("metrics"),
  async () => {
    const metrics = new Metrics();
    metrics.redisUp(true);
    metrics.maxGenerations(1);
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

it(
  "counts an outage of Redis when it begins, and none before Redis was there",
  verifies("alerts"),
  async () => {
    const metrics = new Metrics();
    const outages = async () =>
      (await metrics.registry.getSingleMetric("streaming_redis_outages_total")?.get())?.values[0]
        ?.value;
    expect(await outages()).toBeUndefined();
    for (const up of [false, false, true, true]) metrics.redisUp(up);
    expect(await outages()).toBe(0);
    for (const up of [false, false, true, false]) metrics.redisUp(up);
    expect(await outages()).toBe(2);
  },
);

it(
  "has every way in which an answer ends from its model's first one on",
  verifies("alerts"),
  async () => {
    const metrics = new Metrics();
    metrics.generation("running", "demo", 1);
    const { values } = await metrics.registry.getSingleMetric("streaming_chat_generations")!.get();
    const states = Object.fromEntries(values.map(({ labels, value }) => [labels["state"], value]));
    expect(states).toEqual({ running: 1, finished: 0, stopped: 0, failed: 0 });
  },
);

it("tells no limit of answers where there is none", verifies("alerts"), () => {
  const metrics = new Metrics();
  metrics.maxGenerations(0);
  expect(metrics.registry.getSingleMetric("streaming_chat_max_generations")).toBeUndefined();
});
