import { parseArgs } from "node:util";
import { oneOf, orUsageError, UsageError, whole } from "../tools/options.ts";
import { SCENARIOS } from "./scenarios/registry.ts";
import { QUICK_SIZES, SIZE_WORDS, SIZES, type Sizes } from "./sizes.ts";
import { SUBJECTS, type SubjectName, TITLES } from "./subjects/subject.ts";

export interface Options {
  readonly sizes: Sizes;
  readonly rounds: number;
  /** Names of scenarios. */
  readonly scenarios: readonly string[];
  readonly subjects: readonly SubjectName[];
  /** Where the results go as JSON, beside the table on stdout. */
  readonly json: string | undefined;
  /** Into the committed results and README. */
  readonly write: boolean;
  /** Present for `compare`. */
  readonly comparison: { readonly margin: number } | undefined;
  /** Where results of an earlier run are, to be taken instead of measuring. */
  readonly fresh: string | undefined;
}

const ROUNDS = 3;
const MARGIN = 0.2;
/** Of a number, at most. */
const DIGITS = 6;
const SIZE_NAMES = Object.keys(SIZES) as (keyof Sizes)[];

const column = (text: string): string => `  ${text.padEnd(21)}`;

export const HELP = `npm run bench -- [options]                  measures, and prints a Markdown table
npm run bench -- compare [options]          measures, and fails where a ratio fell against bench/results.json

NovaStream and its peers side by side on this machine: each a process of its own, one after the other in every round,
with the load from another process. Linux, loopback only. It ends by itself: everything takes some nine minutes a round.
Figures of different machines, or of a busy one, say little; the ratios within a round say more.

${column("--only <name>")}a scenario; may be repeated:
${SCENARIOS.map(({ name, about }) => `    ${name.padEnd(19)}${about}`).join("\n")}
${column("--subject <name>")}a subject; may be repeated:
${SUBJECTS.map((name) => `    ${name.padEnd(19)}${TITLES[name]}`).join("\n")}
${column("--rounds <n>")}rounds, of which medians are shown (${ROUNDS})
${SIZE_NAMES.map((name) => `${column(`--${name} <n>`)}${SIZE_WORDS[name]} (${SIZES[name]})`).join("\n")}
${column("--quick")}tiny numbers and one round, to see that it works: they measure nothing
${column("--json <file>")}writes the results there too
${column("--fresh <file>")}takes the results of an earlier run with --json, and measures nothing
${column("--write")}puts what has been measured into bench/results.json and README.md
${column("--help")}this text

compare:
${column("--margin <share>")}by which a ratio may be worse than the committed one (${MARGIN})
`;

/** @returns undefined where help is asked for. @throws UsageError */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const [command, ...rest] = positionals;
  if (rest.length > 0 || (command !== undefined && command !== "compare"))
    throw new UsageError(`The only command is compare, not ${positionals.join(" ")}`);
  if (!command && values.margin !== undefined) throw new UsageError("--margin is of compare");
  if (command && values.write) throw new UsageError("compare does not --write");
  const base = values.quick ? QUICK_SIZES : SIZES;
  const sizes = SIZE_NAMES.map((name) => [name, number(name, values[name], base[name])]);
  return {
    sizes: Object.fromEntries(sizes) as Record<keyof Sizes, number>,
    rounds: number("rounds", values.rounds, values.quick ? 1 : ROUNDS),
    scenarios: chosen(
      "only",
      values.only,
      SCENARIOS.map(({ name }) => name),
    ),
    subjects: chosen("subject", values.subject, SUBJECTS),
    json: values.json,
    write: values.write ?? false,
    comparison: command ? { margin: share(values.margin) } : undefined,
    fresh: values.fresh,
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const sizes = Object.fromEntries(SIZE_NAMES.map((name) => [name, text])) as Record<
    keyof Sizes,
    typeof text
  >;
  return orUsageError(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...sizes,
        rounds: text,
        only: { ...text, multiple: true },
        subject: { ...text, multiple: true },
        quick: { type: "boolean" },
        json: text,
        write: { type: "boolean" },
        margin: text,
        fresh: text,
        help: { type: "boolean", short: "h" },
      },
    }),
  );
}

function number(name: string, text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : whole(name, text, DIGITS);
}

function share(text: string | undefined): number {
  if (text === undefined) return MARGIN;
  if (!/^0?\.\d+$|^0$/.test(text))
    throw new UsageError(`--margin must be a share from 0 to below 1, like 0.2, not ${text}`);
  return Number(text);
}

/** In the order of the registry, whatever order they were given in. */
function chosen<T extends string>(
  name: string,
  given: readonly string[] | undefined,
  all: readonly T[],
): readonly T[] {
  if (!given) return all;
  const wanted = new Set(given.map((value) => oneOf(name, value, all)));
  return all.filter((value) => wanted.has(value));
}
