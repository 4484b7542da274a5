import { describeMachine } from "./machine.ts";
import type { Measures } from "./measure.ts";
import type { Options } from "./options.ts";
import { median } from "./quantile.ts";
import { type Budget, type Row, ROWS } from "./rows.ts";
import { SUBJECTS, type SubjectName, TITLES } from "./subjects/subject.ts";

/** What each subject did, round by round. */
export type Results = ReadonlyMap<SubjectName, readonly Measures[]>;

const NOTHING = "–";

/** The table, and what one must know to read it; Markdown. */
export function report(
  results: Results,
  options: Options,
  missing: ReadonlyMap<SubjectName, string>,
): string {
  const peers = SUBJECTS.filter((name) => name !== "novastream");
  const head = [
    "measure",
    ...SUBJECTS.map((name) => TITLES[name]),
    ...peers.map((name) => `NovaStream ÷ ${TITLES[name]}`),
    "budget",
  ];
  const rows = ROWS.filter((row) =>
    SUBJECTS.some((name) => valuesOf(results, name, row).length > 0),
  );
  const lines = rows.map((row) => [
    row.title,
    ...SUBJECTS.map(
      (name) => missing.get(name) ?? number(medianOf(results, name, row), row.digits),
    ),
    ...peers.map((name) =>
      row.incomparable?.includes(name) ? NOTHING : number(ratio(results, name, row), 2),
    ),
    (row.budgets ?? []).map((budget) => verdict(budget, results, row)).join(", ") || NOTHING,
  ]);
  const alignment = head.map((_, i) => (i === 0 || i === head.length - 1 ? "---" : "---:"));
  return [
    ...[head, alignment, ...lines].map((cells) => `| ${cells.join(" | ")} |`),
    "",
    `${options.rounds} rounds, medians; ratios are taken within a round. ` +
      `${count(options.readers)} readers, ${count(options.events)} events of about 130 bytes; ` +
      `memory at ${count(options.idle)} connections. The C loop makes one write an event.`,
    "",
    delivered(results),
    "",
    `Machine: ${describeMachine()}.`,
  ].join("\n");
}

function valuesOf(results: Results, name: SubjectName, row: Row): number[] {
  return (results.get(name) ?? []).flatMap((measures) => row.value(measures) ?? []);
}

function medianOf(results: Results, name: SubjectName, row: Row): number {
  return median(valuesOf(results, name, row));
}

/** Within each round, because the machine may be quick in one and slow in another. */
function ratio(results: Results, peer: SubjectName, row: Row): number {
  const theirs = valuesOf(results, peer, row);
  const ours = valuesOf(results, "novastream", row);
  return median(ours.flatMap((value, round) => value / (theirs[round] ?? Number.NaN)));
}

function verdict(budget: Budget, results: Results, row: Row): string {
  if (budget.kind === "at-least") {
    const times = ratio(results, budget.peer, row);
    return `≥ ${budget.times} × ${TITLES[budget.peer]}${judged(times, times >= budget.times)}`;
  }
  const value = medianOf(results, "novastream", row);
  return `≤ ${budget.limit}${judged(value, value <= budget.limit)}`;
}

function judged(value: number, met: boolean): string {
  if (!Number.isFinite(value)) return "";
  return met ? " (met)" : " (**missed**)";
}

function delivered(results: Results): string {
  const all = [...results.values()].flat();
  const sum = (of: (measures: Measures) => number): string =>
    count(all.reduce((total, measures) => total + of(measures), 0));
  return (
    `Lost: ${sum(({ lost }) => lost)}, doubled: ${sum(({ doubled }) => doubled)}, ` +
    `of ${sum(({ expected }) => expected)} deliveries.`
  );
}

function number(value: number, digits: number): string {
  return Number.isFinite(value)
    ? value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : NOTHING;
}

function count(value: number): string {
  return number(value, 0);
}
