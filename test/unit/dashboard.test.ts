import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { dashboardQueries, readDashboard } from "../support/dashboard.ts";
import { exportedSeries, expectKnown } from "../support/exported-metrics.ts";
import { verifies } from "../support/verifies.ts";

describe("the dashboard", () => {
  const dashboard = readDashboard();
  const panels = dashboard.panels.filter(({ type }) => type !== "row");

  it(
    "asks only for what the service exports, under labels that it has",
    verifies("dashboard"),
    async () => {
      const known = await exportedSeries();
      const queries = dashboardQueries(dashboard);
      expect(queries.length).toBeGreaterThan(panels.length);
      for (const { expr } of queries) expectKnown(expr, known);
    },
  );

  it("shows every metric of the service", verifies("dashboard"), async () => {
    const asked = dashboardQueries(dashboard)
      .map(({ expr }) => expr)
      .join("\n");
    const names = [...(await exportedSeries()).keys()].filter((name) =>
      name.startsWith("streaming_"),
    );
    const missing = names
      .map((name) => name.replace(/_(bucket|sum|count)$/, ""))
      .filter((name) => !asked.includes(name));
    expect(missing).toEqual([]);
  });

  it(
    "lays out its panels side by side, each with a name and data of the chosen source",
    verifies("dashboard"),
    () => {
      const taken = new Set<string>();
      for (const { gridPos } of dashboard.panels) {
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(x).toBeLessThan(24);
            expect([...taken]).not.toContain(`${x},${y}`);
            taken.add(`${x},${y}`);
          }
      }
      const ids = dashboard.panels.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { title, targets } of panels) {
        expect(title).not.toBe("");
        const references = targets!.map(({ refId }) => refId);
        expect(new Set(references).size, title).toBe(references.length);
        for (const { datasource } of targets!)
          expect(datasource).toEqual({ type: "prometheus", uid: "${datasource}" });
      }
    },
  );

  it("is what Kubernetes and compose hand to Grafana", verifies("dashboard"), () => {
    const { configMapGenerator } = parse(
      readFileSync("observability/kustomization.yaml", "utf8"),
    ) as {
      configMapGenerator: { files: string[]; options: { labels: object } }[];
    };
    expect(configMapGenerator[0]).toMatchObject({
      files: ["novastream.json=dashboard.json"],
      options: { labels: { grafana_dashboard: "1" } },
    });
  });
});
