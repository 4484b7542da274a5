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
}

export interface Dashboard {
  readonly panels: readonly Panel[];
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
