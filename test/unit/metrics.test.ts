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
