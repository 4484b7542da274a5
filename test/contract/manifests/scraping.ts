import { tryDuration } from "../../../src/wire/units.ts";
import { hasMetrics } from "./contract.ts";
import { type Manifest, named, type Overlay } from "./rendered.ts";

/** Slower, and a minute's rate has no two points; faster costs more than it tells. */
const MOST_MS = 30_000;
const LEAST_MS = 5_000;

interface Endpoint {
  readonly path?: string;
  readonly interval?: string;
}

function endpointsOf({ kind, spec }: Manifest): Endpoint[] {
  if (kind === "PodMonitor") return spec.podMetricsEndpoints;
  if (kind === "PodMonitoring") return spec.endpoints;
  if (kind !== "AutoscalingMetric") return [];
  const pods = (spec.metrics as Manifest[]).flatMap(({ pod }) => pod.containers as Manifest[]);
  return pods.map(({ endpoint }) => endpoint);
}

/** Rules watch what somebody reads. */
const READERS = { PrometheusRule: "PodMonitor", Rules: "PodMonitoring" } as const;

/** Whoever reads metrics asks where the contract has them, often enough. */
export function scrapeProblems({ manifests }: Overlay): string[] {
  const unread = Object.entries(READERS)
    .filter(([rules]) => manifests.some(({ kind }) => kind === rules))
    .filter(([, reader]) => !manifests.some((one) => one.kind === reader && endpointsOf(one)[0]))
    .map(([rules, reader]) => `${rules} watch what no ${reader} reads`);
  const wrong = manifests.flatMap((manifest) =>
    endpointsOf(manifest).flatMap(({ path = "/metrics", interval }) => {
      const problems = [];
      if (!hasMetrics(path))
        problems.push(`${named(manifest)} reads ${path}, where there are no metrics`);
      const ms = interval === undefined ? undefined : (tryDuration(interval) ?? Number.NaN);
      if (ms !== undefined && !(ms >= LEAST_MS && ms <= MOST_MS))
        problems.push(`${named(manifest)} reads every ${interval}`);
      return problems;
    }),
  );
  return [...unread, ...wrong];
}
