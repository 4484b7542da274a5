import { parseArgs } from "node:util";
import { SUBJECTS, type SubjectName } from "./subjects/subject.ts";

/** What is measured; each is a row of the table, or two. */
export const SCENARIOS = ["single", "bursts", "latency", "idle"] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface Options {
  readonly readers: number;
  readonly events: number;
  readonly idle: number;
  readonly rounds: number;
  readonly scenarios: readonly Scenario[];
  readonly subjects: readonly SubjectName[];
}

const DEFAULTS = { readers: 2_000, events: 200, idle: 8_000, rounds: 5 };
const QUICK = { readers: 20, events: 20, idle: 50, rounds: 1 };

export const HELP = `npm run bench -- [options]

SSE fan-out of NovaStream, of Hono's streamSSE and of a C loop, side by side on this machine:
each in a process of its own, one after the other in every round, with the load from another process.
Loopback only; it ends by itself, by default after some ten minutes. The result is a Markdown table on stdout.

  --readers <n>    connections that read (${DEFAULTS.readers})
  --events <n>     events for each of them, in each scenario; a quarter as many before, to warm up (${DEFAULTS.events})
  --idle <n>       connections of the memory row (${DEFAULTS.idle})
  --rounds <n>     rounds, of which medians are shown (${DEFAULTS.rounds})
  --only <name>    a scenario: ${SCENARIOS.join(", ")}; may be repeated
  --subject <name> a subject: ${SUBJECTS.join(", ")}; may be repeated
  --quick          tiny numbers, to see that it works: they measure nothing
  --help           this text
`;

/** Thrown with what is wrong with the command line. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** @returns undefined where help is asked for. @throws UsageError */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const base = values.quick ? QUICK : DEFAULTS;
  return {
    readers: whole("readers", values.readers, base.readers),
    events: whole("events", values.events, base.events),
    idle: whole("idle", values.idle, base.idle),
    rounds: whole("rounds", values.rounds, base.rounds),
    scenarios: chosen("only", values.only, SCENARIOS),
    subjects: chosen("subject", values.subject, SUBJECTS),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        readers: { type: "string" },
        events: { type: "string" },
        idle: { type: "string" },
        rounds: { type: "string" },
        only: { type: "string", multiple: true },
        subject: { type: "string", multiple: true },
        quick: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function whole(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new UsageError(`--${name} must be a whole number from 1 to 999999, not ${text}`);
  return Number(text);
}

/** In the order of the registry, whatever order they were given in. */
function chosen<T extends string>(
  name: string,
  given: readonly string[] | undefined,
  all: readonly T[],
): readonly T[] {
  if (!given) return all;
  const unknown = given.find((value) => !all.includes(value as T));
  if (unknown !== undefined)
    throw new UsageError(`--${name} must be one of ${all.join(", ")}, not ${unknown}`);
  return all.filter((value) => given.includes(value));
}
