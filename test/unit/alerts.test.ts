import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { exportedSeries, expectKnown, FOREIGN } from "../support/exported-metrics.ts";
import { verifies } from "../support/verifies.ts";

interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

interface Rules {
  groups: { name: string; interval: string; rules: Rule[] }[];
}

const RULES = "observability/rules.yaml";
const readRules = () => parse(readFileSync(RULES, "utf8")) as Rules;
const { groups } = readRules();
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);

function promtool(...args: string[]): { status: number | null; output: string } {
  const { error, status, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
  if (error) throw new Error("there is no promtool: test/setup.sh installs it", { cause: error });
  return { status, output: stdout + stderr };
}

/** The alerts that are not as expected, in cases whose name begins so. */
function failedAlerts(output: string, name = ""): Set<string> {
  const failures = output.matchAll(/ name: (.*),\n\s+alertname: (\w+),/g);
  return new Set(
    [...failures].filter(([, of]) => of!.startsWith(name)).map(([, , alert]) => alert!),
  );
}

describe("the alerting rules", () => {
  const scratch = mkdtempSync(join(tmpdir(), "novastream-rules-"));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  cpSync("observability/rules.test.yaml", join(scratch, "rules.test.yaml"));

  /** The verdict of the rules' own tests on rules that were changed. */
  function testsOf(change: (rules: Rules) => void): ReturnType<typeof promtool> {
    const changed = readRules();
    change(changed);
    writeFileSync(join(scratch, "rules.yaml"), stringify(changed));
    return promtool("test", "rules", join(scratch, "rules.test.yaml"));
  }

  it("are valid, and fire when they should and only then", verifies("alerts"), () => {
    expect(promtool("check", "rules", RULES)).toMatchObject({ status: 0 });
    expect(promtool("test", "rules", "observability/rules.test.yaml")).toMatchObject({ status: 0 });
    expect(testsOf(() => {})).toMatchObject({ status: 0 });
  });

  it("are missed by their tests, each, where they are silent", verifies("alerts"), () => {
    const { status, output } = testsOf((changed) => {
      for (const group of changed.groups)
        group.rules = group.rules.filter(({ alert }) => alert === undefined);
    });
    expect(status).not.toBe(0);
    expect(failedAlerts(output)).toEqual(new Set(alerts.map(({ alert }) => alert)));
  });

  it("are found by their tests, each, where they always fire", verifies("alerts"), () => {
    const { status, output } = testsOf((changed) => {
      for (const rule of changed.groups.flatMap((group) => group.rules)) {
        if (rule.alert === undefined) continue;
        rule.expr = "vector(1)";
        delete rule.for;
      }
    });
    expect(status).not.toBe(0);
    expect(failedAlerts(output, "a healthy service")).toEqual(
      new Set(alerts.map(({ alert }) => alert)),
    );
  });

  it("stand on figures that their tests know", verifies("alerts"), () => {
    const recorded = rules.filter(({ record }) => record !== undefined);
    const { status, output } = testsOf((changed) => {
      for (const rule of changed.groups.flatMap((group) => group.rules))
        if (rule.record !== undefined) rule.expr = `(${rule.expr}) * 2`;
    });
    expect(status).not.toBe(0);
    for (const { record } of recorded) expect(output).toMatch(new RegExp(`expr: .*${record}`));
  });

  it(
    "name only what the service exports, or what they record themselves",
    verifies("alerts"),
    async () => {
      const known = new Map([...(await exportedSeries()), ...FOREIGN]);
      for (const { record, expr } of rules) {
        expectKnown(expr, known);
        if (!record) continue;
        const level = record.startsWith("model:") ? ["model"] : [];
        known.set(record, { labels: new Set(["namespace", "job", ...level]) });
      }
      expect(() => expectKnown("rate(streaming_bytes_total[5m]) > 1", known)).toThrow(
        "streaming_bytes_total",
      );
      expect(() => expectKnown('streaming_errors_total{status="500"}', known)).toThrow("status");
      expect(() => expectKnown('streaming_errors_total{code="internal|oops"}', known)).toThrow(
        "oops",
      );
      expect(() => expectKnown("sum by (tenant) (streaming_draining)", known)).toThrow("tenant");
      const bucket = "streaming_delivery_latency_seconds_bucket";
      expect(() => expectKnown(`${bucket}{le="0.7"}`, known)).toThrow("0.7");
      expect(() => expectKnown(`${bucket}{le="1"}`, known)).toThrow("Prometheus 3");
    },
  );

  it("say how bad it is, and where in docs/operations.md to read on", verifies("alerts"), () => {
    const guide = readFileSync("docs/operations.md", "utf8");
    const headings = [...guide.matchAll(/^### (NovaStream\w+)$/gm)].map(([, name]) => name!);
    expect(headings).toEqual(alerts.map(({ alert }) => alert!));
    for (const { alert, labels, annotations } of alerts) {
      expect(labels, alert).toEqual({
        severity: expect.stringMatching(/^(critical|warning)$/) as string,
      });
      expect(Object.keys(annotations!), alert).toEqual(["summary", "description", "runbook_url"]);
      expect(annotations!["runbook_url"]).toBe(`docs/operations.md#${alert!.toLowerCase()}`);
    }
  });

  it.each([
    ["monitoring-operator/prometheus-rule.yaml", "monitoring.coreos.com/v1", "PrometheusRule"],
    ["monitoring-gmp/rules.yaml", "monitoring.googleapis.com/v1", "Rules"],
  ])(
    "are in k8s/components/%s word for word",
    verifies("alerts"),
    async (path, apiVersion, kind) => {
      const rendered =
        "# Rendered from observability/rules.yaml: npx vitest run test/unit/alerts.test.ts --update\n" +
        stringify(
          { apiVersion, kind, metadata: { name: "novastream" }, spec: { groups } },
          { lineWidth: 0 },
        );
      await expect(rendered).toMatchFileSnapshot(`../../k8s/components/${path}`);
    },
  );
});
