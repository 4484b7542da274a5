import { readFileSync } from "node:fs";

interface Target {
  readonly expr: string;
  readonly refId: string;
  readonly datasource: object;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit?: string;
      readonly thresholds?: {
        readonly steps: readonly { readonly color: string; readonly value: number | null }[];
      };
    };
  };
}

/** What is chosen above the panels. */
export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
}

export interface Dashboard {
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

export const readDashboard = (): Dashboard =>
  JSON.parse(readFileSync("observability/dashboard.json", "utf8")) as Dashboard;

/** What the panels ask Prometheus, with Grafana's variables as they are when nothing is chosen. */
export function dashboardQueries({ panels }: Dashboard): { title: string; expr: string }[] {
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      title,
      expr: expr.replaceAll("$__rate_interval", "1m").replaceAll(/\$(namespace|job)/g, ".*"),
    })),
  );
}

/**
 * The unit in which Grafana is to write a query's figures, as the names of what it asks tell: seconds and bytes are in the
 * names, a share is a quotient or a rate of seconds, and what is counted a second is requests or anything else.
 */
export function unitOf(expr: string): string {
  if (expr.includes(" / ") || /_seconds_(?:total|sum)\b/.test(expr)) return "percentunit";
  if (/_bytes\b/.test(expr)) return "bytes";
  if (/_seconds(?:_bucket)?\b/.test(expr)) return "s";
  if (expr.startsWith("histogram_quantile") || !/\brate\(/.test(expr)) return "short";
  return expr.includes("response_duration") ? "reqps" : "cps";
}
