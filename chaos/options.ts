import { parseArgs } from "node:util";
import { oneOf, orUsageError, UsageError, whole } from "../tools/options.ts";
import { READER_KINDS } from "./clients/reader-kinds.ts";
import { type ControlName, CONTROLS } from "./controls.ts";
import { FAULT_KINDS, type FaultKind, faultsOf } from "./faults/kinds.ts";
import { FAULTS } from "./law/findings.ts";
import { type Form, FORMS } from "./world/store.ts";

export interface Options {
  readonly forms: readonly Form[];
  readonly firstSeed: number;
  readonly seeds: number;
  readonly durationMs: number;
  readonly services: number;
  readonly readers: number;
  readonly publishers: number;
  readonly rate: number;
  readonly control: ControlName | undefined;
  readonly json: boolean;
  readonly faultsOf: (form: Form) => readonly FaultKind[];
}

const DEFAULTS = { minutes: 1, services: 2, readers: READER_KINDS.length, publishers: 6, rate: 60 };
/** Of a number, at most. */
const DIGITS = 9;
const list = (entries: Readonly<Record<string, string | { title: string }>>): string =>
  Object.entries(entries)
    .map(
      ([name, about]) => `  ${name.padEnd(20)} ${typeof about === "string" ? about : about.title}`,
    )
    .join("\n");

export const HELP = `npm run chaos -- [options]

The fault matrix: real service processes, a real Redis, publishers and readers on every transport behind a network that
cuts connections at random bytes, and faults that a seed decides. At the end every reader's sequence is held against the
log. It prints a report and ends with 1 where that is not clean. Loopback only; Ctrl-C ends all that it has started.

  --seed <n>        what decides everything that is left to chance; printed, to repeat a run (a new one each time)
  --seeds <n>       so many runs, with seeds that follow each other (1)
  --minutes <m>     of faults in each run; fractions are taken (${DEFAULTS.minutes})
  --redis <form>    ${FORMS.join(", ")} or all; may be repeated (standalone)
  --services <n>    service processes; the embedded log has one (${DEFAULTS.services})
  --readers <n>     in turn over transports and topics (${DEFAULTS.readers})
  --publishers <n>  (${DEFAULTS.publishers})
  --rate <n>        publishes a second, of all together (${DEFAULTS.rate})
  --fault <kind>    only this kind; may be repeated
  --control <name>  plants a bug in a copy of the service: the report must then not be clean
  --json            the results as one JSON document, instead of tables
  --help            this text

What must be 0:
${list(FAULTS)}

Kinds of faults:
${list(FAULT_KINDS)}

Controls:
${list(CONTROLS)}

A run of one seed on every form:        npm run chaos -- --seed 7 --redis all
Twenty seeds, two minutes each:         npm run chaos -- --seed 1 --seeds 20 --minutes 2
Would it find a bug?                    npm run chaos -- --seed 1 --control doubled-append
`;

/** @param freshSeed where none is given. @returns undefined where help is asked for. @throws UsageError */
export function parseOptions(
  args: readonly string[],
  freshSeed: () => number,
): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const forms = formsOf(values.redis ?? ["standalone"]);
  const faults = values.fault?.map((name) => oneOf("fault", name, keys(FAULT_KINDS)));
  for (const form of forms) {
    if (faults && !faults.some((kind) => faultsOf(form).includes(kind)))
      throw new UsageError(`--fault ${faults.join(", ")} cannot befall --redis ${form}`);
  }
  return {
    forms,
    firstSeed: number("seed", values.seed) ?? freshSeed(),
    seeds: number("seeds", values.seeds) ?? 1,
    durationMs: minutes(values.minutes) * 60_000,
    services: number("services", values.services) ?? DEFAULTS.services,
    readers: number("readers", values.readers) ?? DEFAULTS.readers,
    publishers: number("publishers", values.publishers) ?? DEFAULTS.publishers,
    rate: number("rate", values.rate) ?? DEFAULTS.rate,
    control:
      values.control === undefined ? undefined : oneOf("control", values.control, keys(CONTROLS)),
    json: values.json ?? false,
    faultsOf: (form) => faultsOf(form).filter((kind) => faults?.includes(kind) ?? true),
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const texts = { type: "string", multiple: true } as const;
  const flag = { type: "boolean" } as const;
  return orUsageError(() =>
    parseArgs({
      args: [...args],
      options: {
        seed: text,
        seeds: text,
        minutes: text,
        redis: texts,
        services: text,
        readers: text,
        publishers: text,
        rate: text,
        fault: texts,
        control: text,
        json: flag,
        help: { ...flag, short: "h" },
      },
    }),
  ).values;
}

function number(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : whole(name, text, DIGITS);
}

function minutes(text = String(DEFAULTS.minutes)): number {
  const value = /^\d{1,4}(\.\d{1,4})?$/.test(text) ? Number(text) : 0;
  if (value <= 0) throw new UsageError(`--minutes must be a number above 0, not ${text}`);
  return value;
}

function formsOf(names: readonly string[]): readonly Form[] {
  if (names.includes("all")) return FORMS;
  const given = new Set(names.map((name) => oneOf("redis", name, FORMS, ["all"])));
  return FORMS.filter((form) => given.has(form));
}

function keys<T extends string>(registry: Readonly<Record<T, unknown>>): T[] {
  return Object.keys(registry) as T[];
}
