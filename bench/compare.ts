import { requireSameSizes, type Results } from "./results.ts";
import { rowId, ROWS } from "./rows.ts";
import type { SubjectName } from "./subjects/subject.ts";

/** One ratio of NovaStream to a peer, in two tables. */
export interface RatioChange {
  /** `scenario.metric ÷ peer`. */
  readonly name: string;
  readonly committed: number;
  /** Undefined where it has not been measured now. */
  readonly fresh: number | undefined;
  /** How much worse it is, as a share: 0.1 = by a tenth; negative = better. */
  readonly worseBy: number;
  readonly fell: boolean;
}

/**
 * Each ratio of the committed table against the fresh one. It has fallen where it is worse by more than `margin`, a
 * share: ratios of figures of which less is better are turned round first.
 * @throws where the two have been measured at different sizes, or have no ratio in common
 */
export function compare(committed: Results, fresh: Results, margin: number): RatioChange[] {
  requireSameSizes(committed.sizes, fresh.sizes);
  const changes: RatioChange[] = [];
  for (const row of ROWS) {
    const before = committed.scenarios[row.scenario]?.metrics[row.metric]?.ratios ?? {};
    const now = fresh.scenarios[row.scenario]?.metrics[row.metric]?.ratios ?? {};
    for (const [peer, old] of Object.entries(before) as [SubjectName, number][]) {
      const ratio = now[peer];
      const worseBy =
        ratio === undefined ? 0 : 1 - (row.better === "more" ? ratio / old : old / ratio);
      changes.push({
        name: `${rowId(row)} ÷ ${peer}`,
        committed: old,
        fresh: ratio,
        worseBy,
        fell: worseBy > margin,
      });
    }
  }
  if (!changes.some((change) => change.fresh !== undefined))
    throw new Error("Nothing can be compared: the two tables have no ratio in common.");
  return changes;
}

/** A line for each ratio, and one that sums them up. */
export function describeChanges(changes: readonly RatioChange[], margin: number): string {
  const lines = changes.map(({ name, committed, fresh, worseBy, fell }) => {
    if (fresh === undefined) return `${name}: ${committed} → not measured`;
    const percent = `${worseBy > 0 ? "-" : "+"}${Math.abs(worseBy * 100).toFixed(1)} %`;
    return `${name}: ${committed} → ${fresh} (${percent})${fell ? " FELL" : ""}`;
  });
  const compared = changes.filter(({ fresh }) => fresh !== undefined).length;
  const fallen = changes.filter(({ fell }) => fell).length;
  const sum = `${fallen} of ${compared} ratios fell by more than ${Math.round(margin * 100)} %.`;
  return [...lines, sum].join("\n");
}
