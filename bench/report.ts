import type { MetricResults, Results } from "./results.ts";
import { type Budget, type Row, ROWS } from "./rows.ts";
import { CROWDS } from "./scenarios/crowd.ts";
import type { Sizes } from "./sizes.ts";
import { type SubjectName, TITLES } from "./subjects/subject.ts";

const HEAD = ["measure", "NovaStream", "against", "its figure", "ratio", "budget"] as const;
const ALIGNMENT = ["---", "---:", "---", "---:", "---:", "---"] as const;

/** Scenarios with chats at once. */
const CROWDED: ReadonlySet<string> = new Set(CROWDS.map(({ name }) => name));

/** The table, and what one must know to read it; Markdown. A pure function of the results. */
export function report(results: Results): string {
  const lines = ROWS.flatMap((row) => linesOf(row, results));
  return [
    ...[HEAD, ALIGNMENT, ...lines].map((cells) => `| ${cells.join(" | ")} |`),
    "",
    describe(results),
    "",
    delivered(results),
    ...notes(results),
  ].join("\n");
}

/** One for each peer; the first carries the row's own figure. */
function linesOf(row: Row, { scenarios }: Results): string[][] {
  const scenario = scenarios[row.scenario];
  const metric = scenario?.metrics[row.metric];
  if (!scenario || !metric) return [];
  const own = metric.values[scenario.own];
  const peers = (Object.keys(metric.values) as SubjectName[]).filter(
    (name) => name !== scenario.own,
  );
  const alone = (row.budgets ?? []).filter(({ kind }) => kind === "at-most");
  const lines = peers.map((peer) => [
    TITLES[peer],
    number(metric.values[peer], row.digits),
    ratio(metric.ratios[peer]),
    budgetWords(
      (row.budgets ?? []).filter((budget) => "peer" in budget && budget.peer === peer),
      metric,
      own,
    ),
  ]);
  const head = [row.title, number(own, row.digits)];
  const verdict = budgetWords(alone, metric, own);
  // A budget on the figure alone stands on a line of its own, lest it be taken for one on a ratio.
  if (verdict || lines.length === 0) lines.unshift(["", "", "", verdict]);
  return lines.map((line, index) => [...(index === 0 ? head : ["", ""]), ...line]);
}

function budgetWords(budgets: readonly Budget[], metric: MetricResults, own?: number): string {
  return budgets.map((budget) => verdict(budget, metric, own)).join(", ");
}

function verdict(budget: Budget, { ratios }: MetricResults, own: number | undefined): string {
  if (budget.kind === "at-most")
    return `≤ ${budget.limit}: ${judged(own, (x) => x <= budget.limit)}`;
  const times = ratios[budget.peer];
  return budget.kind === "at-least-times"
    ? `≥ ${budget.times} ×: ${judged(times, (x) => x >= budget.times)}`
    : `≤ ${budget.times} ×: ${judged(times, (x) => x <= budget.times)}`;
}

function judged(value: number | undefined, met: (value: number) => boolean): string {
  if (value === undefined) return "not measured";
  return met(value) ? "met" : "**not met**";
}

function describe({ machine, scenarios, sizes }: Results): string {
  const rounds = [...new Set(Object.values(scenarios).map((scenario) => scenario.rounds))];
  return (
    `Medians of ${rounds.sort((a, b) => a - b).join(" or ")} interleaved rounds; ratios (NovaStream's figure over ` +
    `the other's) are taken within a round. ${words(sizes, scenarios)} Machine: ${machine}.`
  );
}

function words(sizes: Sizes, scenarios: Results["scenarios"]): string {
  const n = (value: number): string => number(value, 0);
  const crowded = Object.keys(scenarios).some((name) => CROWDED.has(name));
  return (
    `Events of about 130 bytes; fan-out to ${n(sizes.readers)} readers, ${n(sizes.events)} events each; idle memory at ` +
    `${n(sizes.idle)} connections; replay of ${n(sizes.replayed)} events by ${n(sizes.replaying)} readers; ` +
    `${n(sizes.reconnecting)} clients coming back; ${n(sizes.connections)} connections where there are many` +
    (crowded ? `; ${n(sizes.answers)} chats at once, ${n(sizes.tokens)} tokens each.` : ".")
  );
}

function delivered({ scenarios }: Results): string {
  const all = Object.values(scenarios);
  const sum = (numbers: readonly number[]): string =>
    number(
      numbers.reduce((a, b) => a + b, 0),
      0,
    );
  return (
    `Lost: ${sum(all.map(({ lost }) => lost))}, doubled: ${sum(all.map(({ doubled }) => doubled))}, ` +
    `of ${sum(all.map(({ expected }) => expected))} deliveries.`
  );
}

function notes({ missing }: Results): string[] {
  const entries = Object.entries(missing) as [SubjectName, string][];
  return entries.flatMap(([name, why]) => ["", `Not measured: ${TITLES[name]}: ${why}.`]);
}

/** Two digits that count, where a ratio is small; none behind the point, where it is large. */
function ratio(value: number | undefined): string {
  return number(
    value,
    value !== undefined && value >= 10 ? 0 : value !== undefined && value >= 2 ? 1 : 2,
  );
}

function number(value: number | undefined, digits: number): string {
  if (value === undefined) return "";
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}
