import { describe, expect, it } from "vitest";
import { verifies } from "../support/verifies.ts";
import type { CHART_KEYS } from "./manifests/chart-keys.ts";
import { kongChartProblems, traefikChartProblems } from "./manifests/charts.ts";
import { PLANTED_CHARTS } from "./manifests/planted-charts.ts";
import { allOf, type Manifest, readYaml, rendered } from "./manifests/rendered.ts";
import { inRoot } from "./support-dockerfile.ts";

const valuesOf = (chart: string): Manifest => readYaml(inRoot(`k8s/charts/${chart}.yaml`));

const entryPoints = (): string[] => [
  ...new Set(
    allOf(rendered("traefik-gke"), "IngressRoute").flatMap(
      ({ spec }) => spec.entryPoints as string[],
    ),
  ),
];

const PROBLEMS: Readonly<Record<keyof typeof CHART_KEYS, (values: Manifest) => string[]>> = {
  kong: kongChartProblems,
  traefik: (values) => traefikChartProblems(values, entryPoints()),
};

describe("k8s/charts", () => {
  it.each(Object.entries(PROBLEMS))(
    "%s.yaml sets what the chart reads, and what streams need of it",
    verifies("manifest-rules"),
    (chart, problems) => {
      expect(problems(valuesOf(chart))).toEqual([]);
    },
  );

  it.each(PLANTED_CHARTS)(
    "is caught: %s, in %s",
    verifies("manifest-errors"),
    (_, chart, change, message) => {
      const values = valuesOf(chart);
      change(values);
      expect(PROBLEMS[chart](values).join("\n")).toMatch(message);
    },
  );
});
