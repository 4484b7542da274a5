import { describeMachine, checkMachine } from "./machine.ts";
import { type Measures, measure } from "./measure.ts";
import { HELP, parseOptions, UsageError } from "./options.ts";
import { report } from "./report.ts";
import { createCatalogue } from "./subjects/catalogue.ts";
import { type SubjectName, TITLES } from "./subjects/subject.ts";

/** Runs the rounds and prints the table; a signal ends it with all that it has started. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (!options) return void process.stdout.write(HELP);
  await checkMachine(Math.max(options.readers, options.idle));
  const interrupt = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.once(name, () => interrupt.abort(new Error(`stopped by ${name}`)));
  }
  tell(describeMachine());
  await using catalogue = await createCatalogue(options.subjects);
  const { subjects, missing } = catalogue;
  const results = new Map<SubjectName, Measures[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 1; round <= options.rounds; round++) {
    // In turns, so that what else the machine does falls upon all alike.
    for (const subject of subjects) {
      const progress = (what: string): void =>
        tell(`round ${round}/${options.rounds}: ${TITLES[subject.name]}, ${what}`);
      const measures = await measure({ subject, options, signal: interrupt.signal, progress });
      results.get(subject.name)!.push(measures);
    }
  }
  process.stdout.write(`${report(results, options, missing)}\n`);
  if (someLost(results)) process.exitCode = 1;
}

function someLost(results: ReadonlyMap<SubjectName, readonly Measures[]>): boolean {
  return [...results.values()].flat().some(({ lost, doubled }) => lost + doubled > 0);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

main().catch((failure: unknown) => {
  const aborted = failure instanceof Error && failure.name === "AbortError";
  const error = aborted ? (failure.cause ?? failure) : failure;
  tell(error instanceof UsageError ? `${error.message}\n\n${HELP}` : String(error));
  process.exitCode = 1;
});
