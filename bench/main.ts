import { readFile, writeFile } from "node:fs/promises";
import { UsageError } from "../tools/options.ts";
import { compare, describeChanges } from "./compare.ts";
import { HELP, type Options, parseOptions } from "./options.ts";
import { withTable } from "./readme.ts";
import { report } from "./report.ts";
import { merge, readResults, type Results, writeResults } from "./results.ts";
import { run } from "./run.ts";

const COMMITTED = new URL("results.json", import.meta.url);
const README = new URL("../README.md", import.meta.url);

/** Measures, prints, and compares where asked to; a signal ends it with all that it has started. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (!options) return void process.stdout.write(HELP);
  const results = await measured(options);
  if (options.json !== undefined) await writeResults(options.json, results);
  if (options.write) await commit(results);
  if (options.comparison) return compareWithCommitted(results, options.comparison.margin);
  process.stdout.write(`${report(results)}\n`);
}

async function measured(options: Options): Promise<Results> {
  const file = options.fresh;
  if (file !== undefined) {
    const results = await readResults(file);
    if (!results) throw new UsageError(`--fresh: there is no file ${file}`);
    return results;
  }
  const interrupt = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const)
    process.once(name, () => interrupt.abort(new Error(`stopped by ${name}`)));
  const { results, flawed } = await run({ options, signal: interrupt.signal, tell });
  if (flawed) process.exitCode = 1;
  return results;
}

async function commit(results: Results): Promise<void> {
  const merged = merge(await readResults(COMMITTED), results);
  await writeResults(COMMITTED, merged);
  await writeFile(README, withTable(await readFile(README, "utf8"), report(merged)));
}

async function compareWithCommitted(results: Results, margin: number): Promise<void> {
  const committed = await readResults(COMMITTED);
  if (!committed)
    throw new UsageError("There is no bench/results.json to compare with: run --write first");
  const changes = compare(committed, results, margin);
  process.stdout.write(`${describeChanges(changes, margin)}\n`);
  if (changes.some(({ fell }) => fell)) process.exitCode = 1;
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
