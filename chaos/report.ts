import { FAULT_KINDS, type FaultKind } from "./faults/kinds.ts";
import { type Fault, FAULTS } from "./law/findings.ts";
import type { RunResult } from "./result.ts";

/** The runs as Markdown tables: what was done, what was found (all of it must be 0), how long mending took. */
export function report(results: readonly RunResult[]): string {
  return [runs(results), recoveries(results), ...results.flatMap(remarks), verdict(results)].join(
    "\n\n",
  );
}

function runs(results: readonly RunResult[]): string {
  const faults = Object.keys(FAULTS) as Fault[];
  return table(
    [
      "form",
      "seed",
      "s",
      "faults",
      "published",
      "delivered",
      "cuts",
      "gaps told",
      "taken back",
      "silence, ms",
      ...faults,
    ],
    results.map((result) => [
      result.form,
      String(result.seed),
      count(result.durationMs / 1_000),
      count(Object.values(result.struck).reduce((sum, times) => sum + times, 0)),
      count(result.published),
      count(result.delivered),
      count(result.cuts),
      count(result.gapsTold),
      count(result.takenBack),
      count(result.longestSilenceMs),
      ...faults.map((fault) => emphasise(result.findings[fault])),
    ]),
  );
}

function recoveries(results: readonly RunResult[]): string {
  const rows = (Object.keys(FAULT_KINDS) as FaultKind[]).flatMap((kind) => {
    const struck = results.reduce((sum, result) => sum + (result.struck[kind] ?? 0), 0);
    if (struck === 0) return [];
    const times = results.flatMap((result) => result.recoveryMs[kind] ?? []);
    times.sort((a, b) => a - b);
    const median = times[Math.floor((times.length - 1) / 2)];
    return [[kind, count(struck), count(times.length), ms(median), ms(times.at(-1))]];
  });
  return table(["fault", "struck", "recovered", "median, ms", "longest, ms"], rows);
}

function remarks({ form, seed, examples }: RunResult): string[] {
  if (examples.length === 0) return [];
  return [[`${form}, seed ${seed}:`, ...examples.map((line) => `- ${line}`)].join("\n")];
}

function verdict(results: readonly RunResult[]): string {
  const unclean = results.filter(({ clean }) => !clean);
  if (unclean.length === 0) return `Clean: ${results.length} of ${results.length} runs.`;
  const seeds = unclean.map(({ form, seed }) => `${form}/${seed}`).join(", ");
  return `NOT CLEAN: ${unclean.length} of ${results.length} runs (${seeds}).`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const alignment = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return [head, alignment, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function count(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 0 });
}

function ms(value: number | undefined): string {
  return value === undefined ? "–" : count(value);
}

function emphasise(value: number): string {
  return value === 0 ? "0" : `**${count(value)}**`;
}
