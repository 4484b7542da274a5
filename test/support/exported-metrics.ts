import { expect } from "vitest";
import { CLOSE_REASONS } from "../../src/connections/close-reason.ts";
import { ERROR_CODES } from "../../src/errors.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { readQuery } from "./promql.ts";

/** What Prometheus itself puts on every series that it scrapes. */
const TARGET_LABELS = ["namespace", "job", "instance"];

/** Where the values of a label are a registry of ours. */
const VALUES: Record<string, readonly string[]> = {
  "streaming_connections_total{outcome}": ["accepted", "gone", ...Object.keys(CLOSE_REASONS)],
  "streaming_closes_total{reason}": Object.keys(CLOSE_REASONS),
  "streaming_errors_total{code}": Object.keys(ERROR_CODES),
  "streaming_gaps_total{reason}": ["trimmed", "reset", "unusable"],
  "streaming_resumes_total{result}": ["joined", "trimmed", "reset", "unusable"],
  "streaming_chat_generations_ended_total{state}": ["finished", "stopped", "failed"],
};

/** What others export, of whom the rules ask too: Prometheus itself, cAdvisor, kube-state-metrics. */
export const FOREIGN: ReadonlyMap<string, Series> = new Map(
  Object.entries({
    up: TARGET_LABELS,
    container_memory_working_set_bytes: ["namespace", "pod", "container"],
    container_spec_memory_limit_bytes: ["namespace", "pod", "container"],
    kube_horizontalpodautoscaler_status_current_replicas: ["namespace", "horizontalpodautoscaler"],
    kube_horizontalpodautoscaler_spec_max_replicas: ["namespace", "horizontalpodautoscaler"],
  }).map(([name, labels]) => [name, { labels: new Set(labels) }]),
);

export interface Series {
  readonly labels: ReadonlySet<string>;
  /** Bounds, of a histogram's buckets. */
  readonly bounds?: readonly number[];
}

/** Every series that the service exports, Node's own included, by name. */
export async function exportedSeries(): Promise<Map<string, Series>> {
  const metrics = new Metrics();
  metrics.redis.up(true);
  metrics.redis.master("10.0.0.1:6379", true);
  metrics.chat.maxGenerations(1);
  const { registry } = metrics;
  const series = new Map<string, Series>();
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    const { labelNames, upperBounds } = registry.getSingleMetric(name) as unknown as {
      labelNames: string[];
      upperBounds: number[];
    };
    const labels = new Set([...labelNames, ...TARGET_LABELS]);
    // As prom-client names its kinds in JSON.
    if (String(type) !== "histogram") {
      series.set(name, { labels });
      continue;
    }
    for (const part of ["sum", "count"]) series.set(`${name}_${part}`, { labels });
    series.set(`${name}_bucket`, { labels: new Set([...labels, "le"]), bounds: upperBounds });
  }
  return series;
}

/** Fails where a query names what is not there: a series, a label of it, or a value that the label never has. */
export function expectKnown(query: string, known: ReadonlyMap<string, Series>): void {
  const { selectors, grouping } = readQuery(query);
  expect(selectors.length, query).toBeGreaterThan(0);
  const labels = new Set<string>();
  for (const { metric, matchers } of selectors) {
    const series = known.get(metric);
    expect(series, `${metric} of ${query}`).toBeDefined();
    for (const label of series!.labels) labels.add(label);
    for (const { label, value } of matchers) {
      expect([...series!.labels], `of ${metric}`).toContain(label);
      if (label === "le") expectBound(value, series!.bounds ?? []);
      const values = VALUES[`${metric}{${label}}`];
      if (values)
        expect(values, `${metric}{${label}}`).toEqual(expect.arrayContaining(value.split("|")));
    }
  }
  expect([...labels], query).toEqual(expect.arrayContaining([...grouping]));
}

function expectBound(value: string, bounds: readonly number[]): void {
  expect(bounds.map(String)).toContain(value);
  expect(Number.isInteger(Number(value)), `Prometheus 3 stores le="${value}" as "${value}.0"`).toBe(
    false,
  );
}
