import { UsageError } from "../tools/options.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { report } from "./report.ts";
import type { RunResult } from "./result.ts";
import { run } from "./run.ts";

/** Runs the matrix and prints the report; a signal ends it with all that it has started. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2), freshSeed);
  if (!options) return void process.stdout.write(HELP);
  const interrupt = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    // Each time: a second one must not leave processes behind.
    process.on(name, () => interrupt.abort(new Error(`stopped by ${name}`)));
  }
  const results: RunResult[] = [];
  for (const job of jobsOf(options)) {
    const { form, seed } = job;
    const label = `${form}, seed ${seed}`;
    tell(`${label}: starts`);
    const result = await run({
      ...options,
      ...job,
      faults: options.faultsOf(form),
      tell: (line) => tell(`${label}: ${line}`),
      signal: interrupt.signal,
    });
    results.push(result);
    tell(`${label}: ${result.clean ? "clean" : "NOT CLEAN"}`);
  }
  process.stdout.write(`${options.json ? JSON.stringify(results, null, 2) : report(results)}\n`);
  if (results.some(({ clean }) => !clean)) process.exitCode = 1;
}

function jobsOf({ firstSeed, forms, seeds }: Options) {
  return Array.from({ length: seeds }, (_, i) => firstSeed + i).flatMap((seed) =>
    forms.map((form) => ({ form, seed })),
  );
}

function freshSeed(): number {
  return 1 + Math.floor(Math.random() * 999_999);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().catch((failure: unknown) => {
  const aborted = failure instanceof Error && failure.name === "AbortError";
  const error = aborted ? (failure.cause ?? failure) : failure;
  const known = error instanceof UsageError;
  tell(known ? `${error.message}\n\n${HELP}` : String((error as Error)?.stack ?? error));
  process.exitCode = 1;
});
