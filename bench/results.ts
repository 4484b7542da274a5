import { readFile, writeFile } from "node:fs/promises";
import { median } from "./quantile.ts";
import type { Delivered, Scenario, Values } from "./scenarios/scenario.ts";
import type { Sizes } from "./sizes.ts";
import type { SubjectName } from "./subjects/subject.ts";

/** What a run has found: the table is made of it, and the committed one is what later runs are compared with. */
export interface Results {
  readonly machine: string;
  readonly sizes: Sizes;
  readonly scenarios: Readonly<Record<string, ScenarioResults>>;
  /** Who could not be measured, and why. */
  readonly missing: Readonly<Partial<Record<SubjectName, string>>>;
}

export interface ScenarioResults extends Delivered {
  readonly own: SubjectName;
  readonly rounds: number;
  readonly metrics: Readonly<Record<string, MetricResults>>;
}

export interface MetricResults {
  /** Medians over the rounds. */
  readonly values: Readonly<Partial<Record<SubjectName, number>>>;
  /** NovaStream's figure over that of each peer, within a round; medians over the rounds. */
  readonly ratios: Readonly<Partial<Record<SubjectName, number>>>;
}

/** What the subjects of one scenario did, round by round; undefined where a trial failed. */
export interface Rounds {
  readonly delivered: Delivered;
  readonly bySubject: ReadonlyMap<SubjectName, readonly (Values | undefined)[]>;
}

export function summarise({ own }: Scenario, { delivered, bySubject }: Rounds): ScenarioResults {
  const ours = bySubject.get(own) ?? [];
  const names = new Set(
    [...bySubject.values()].flat().flatMap((values) => Object.keys(values ?? {})),
  );
  const metrics: Record<string, MetricResults> = {};
  for (const name of names) {
    const values: Partial<Record<SubjectName, number>> = {};
    const ratios: Partial<Record<SubjectName, number>> = {};
    for (const [subject, rounds] of bySubject) {
      put(
        values,
        subject,
        rounds.map((round) => round?.[name]),
      );
      // Within each round, because the machine may be quick in one and slow in another.
      if (subject !== own)
        put(
          ratios,
          subject,
          rounds.map((round, i) => (ours[i]?.[name] ?? Number.NaN) / (round?.[name] ?? Number.NaN)),
        );
    }
    metrics[name] = { values, ratios };
  }
  const rounds = Math.max(0, ...[...bySubject.values()].map(({ length }) => length));
  return { own, rounds, ...delivered, metrics };
}

/** Their median, to four digits; nothing where there is none. */
function put(
  into: Partial<Record<SubjectName, number>>,
  subject: SubjectName,
  numbers: readonly (number | undefined)[],
): void {
  const known = numbers.filter((number) => number !== undefined && Number.isFinite(number));
  if (known.length > 0) into[subject] = Number(median(known as number[]).toPrecision(4));
}

/** Newer results in the place of older ones; what has not been measured again stays. @throws where sizes differ */
export function merge(older: Results | undefined, newer: Results): Results {
  if (!older) return newer;
  requireSameSizes(older.sizes, newer.sizes);
  const missing = { ...older.missing, ...newer.missing };
  for (const { metrics } of Object.values(newer.scenarios))
    for (const { values } of Object.values(metrics))
      for (const subject of Object.keys(values)) delete missing[subject as SubjectName];
  // An older table does not know the sizes of rows that have come since.
  const sizes = { ...older.sizes, ...newer.sizes };
  return { ...newer, sizes, missing, scenarios: { ...older.scenarios, ...newer.scenarios } };
}

/**
 * A size that only one of them has is of rows that the other has not.
 * @throws because figures at other sizes mean something else
 */
export function requireSameSizes(one: Sizes, other: Sizes): void {
  const names = Object.keys(one) as (keyof Sizes)[];
  const different = names.filter((name) => name in other && one[name] !== other[name]);
  if (different.length === 0) return;
  const words = different.map((name) => `${name} ${one[name]} and ${other[name]}`);
  throw new Error(`Results of different sizes cannot be put together: ${words.join(", ")}.`);
}

/** @returns undefined where there is no such file */
export async function readResults(file: string | URL): Promise<Results | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Results;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export async function writeResults(file: string | URL, results: Results): Promise<void> {
  await writeFile(file, `${JSON.stringify(results, undefined, 2)}\n`);
}
