import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { dashboardQueries, readDashboard, unitOf } from "../support/dashboard.ts";
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

  it("is written for the Grafana that the runbook asks for", verifies("dashboard"), () => {
    // The schema of Grafana 10; what is older is migrated when it is opened, and may lose something on the way.
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(38);
    expect(new Set(dashboard.panels.map(({ type }) => type))).toEqual(
      new Set(["row", "stat", "timeseries"]),
    );
  });

  it(
    "lets choose where to look, and looks there in every query",
    verifies("dashboard"),
    async () => {
      const known = await exportedSeries();
      const { list } = dashboard.templating;
      expect(list.map(({ name, type }) => [name, type])).toEqual([
        ["datasource", "datasource"],
        ["namespace", "query"],
        ["job", "query"],
      ]);
      for (const { name, type, query } of list) {
        if (type !== "query") continue;
        const asked = (query as { query: string }).query;
        const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(asked)!;
        expect(label).toBe(name);
        expectKnown(selector!.replaceAll("$namespace", ".*"), known);
      }
      for (const { title, targets } of panels)
        for (const { expr } of targets!) {
          const where = '{namespace=~"$namespace",job=~"$job"';
          expect(expr.split("{").length, title).toBe(expr.split(where).length);
          for (const [range] of expr.matchAll(/\[[^\]]*\]/g))
            expect(range, title).toBe("[$__rate_interval]");
        }
    },
  );

  it("writes each figure in its unit", verifies("dashboard"), () => {
    for (const { title, targets, fieldConfig } of panels)
      for (const { expr } of targets!) expect(fieldConfig!.defaults.unit, title).toBe(unitOf(expr));
  });

  it("turns red where an alert begins", verifies("dashboard", "alerts"), () => {
    const { groups } = parse(readFileSync("observability/rules.yaml", "utf8")) as {
      groups: { rules: { alert?: string; record?: string; expr: string }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    const first = (name: string, pattern: RegExp): number => {
      const { expr } = rules.find(({ alert, record }) => (alert ?? record) === name)!;
      return Number(pattern.exec(expr)![1]);
    };
    const reds = panels.flatMap(({ title, type, fieldConfig }) => {
      const steps = fieldConfig!.defaults.thresholds?.steps ?? [];
      if (type !== "stat" || steps.length < 2) return [];
      const values = steps.map(({ value }) => value);
      expect(values, title).toEqual([
        null,
        ...values
          .slice(1)
          .map(Number)
          .sort((a, b) => a - b),
      ]);
      return [[title, steps.find(({ color }) => color === "red")!.value]];
    });
    const bound = /le="([\d.]+)"/;
    expect(Object.fromEntries(reds)).toEqual({
      "Places taken": first("NovaStreamNearlyFull", /> ([\d.]+)/),
      "First event (p95)": first("job:streaming_first_event_slow:ratio_rate5m", bound),
      "Delivery (p99)": first("job:streaming_delivery_slow:ratio_rate5m", bound),
      // Red from nothing on, green only where all do.
      "Processes that reach Redis": null,
      "Requests that fail": first("NovaStreamErrors", /> ([\d.]+)/),
    });
    const annotation = /^ALERTS\{alertname=~"(.+?)",alertstate="firing"\}$/;
    const pattern = annotation.exec(dashboard.annotations.list[0]!.expr)![1]!;
    for (const { alert } of rules) if (alert) expect(alert).toMatch(new RegExp(`^(?:${pattern})$`));
  });

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
