import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { Courier } from "./courier.ts";
import type { LogEntry, OutputSource } from "./log-entry.ts";
import { LogShipper } from "./log-shipper.ts";
import { openSpool, type OpenSpool } from "./open-spool.ts";
import type { AgentOptions } from "./options.ts";
import { ProgramLines } from "./program-lines.ts";
import type { ProgramStatus } from "./program-status.ts";
import { RestartPolicy } from "./restart-policy.ts";
import { SignalRelay } from "./signal-relay.ts";
import { StatusBoard } from "./status-board.ts";
import { StatusReporter } from "./status-reporter.ts";
import { supervise } from "./supervisor.ts";
import type { Terminal } from "./terminal.ts";

/** After the program's end the rest has so long to get on, again after each batch that is in. */
const FLUSH_PATIENCE_MS = 10_000;
/** What the last status gets of a server that was away for the lines already: one attempt after the longest back-off. */
const LAST_WORD_PATIENCE_MS = 4_000;
const COMMAND_MAX_CHARS = 1_024;

/** Runs a program, and publishes its lines and its state until its end. @returns the exit code that says the same */
export async function runAgent(options: AgentOptions, terminal: Terminal): Promise<number> {
  const { name, server, command } = options;
  const say = (text: string): void => void terminal.stderr.write(`novastream: ${text}\n`);
  const courier = new Courier({ server, say });
  await using relay = new SignalRelay();
  using store = openSpool(options, say);
  const { spool } = store;
  sayRecovered(store, say);
  await using shipper = new LogShipper({ courier, spool, say });
  await using reporter = new StatusReporter({ courier, name, run: randomUUID(), say });
  using board = new StatusBoard(
    { spool, report: (status) => reporter.report(status), intervalMs: options.statusIntervalMs },
    firstStatus(command),
  );
  const onEntries = (entries: readonly LogEntry[]): void => shipper.add(entries);
  const onFault = faultTeller(say);
  const { parse, continues } = options;
  const lines = (source: OutputSource): ProgramLines =>
    new ProgramLines({ source, parse, continues, onEntries, onFault });
  using stdout = lines("stdout");
  using stderr = lines("stderr");
  const outputs = { stdout, stderr };
  const end = await supervise({
    command,
    terminal: options.quiet ? undefined : terminal,
    relay,
    policy: new RestartPolicy(options.restart),
    onChange: (change) => board.change(change),
    onLines: (source, read) => outputs[source].push(read),
    onEnd: (source) => outputs[source].end(),
    say,
  });

  // The lines first: who sees the end and then reads the log finds it whole.
  await shipper.flush(FLUSH_PATIENCE_MS, relay.hurry);
  spool.close();
  board.change({ ...end.status, restartAt: undefined });
  const patienceMs = spool.isEmpty ? FLUSH_PATIENCE_MS : LAST_WORD_PATIENCE_MS;
  sayUndelivered(store, say);
  if (!(await reporter.flush(patienceMs, relay.hurry))) say("the last status was not delivered");
  return end.exitCode;
}

function firstStatus(command: readonly string[]): ProgramStatus {
  return {
    phase: "Starting",
    command: command.join(" ").slice(0, COMMAND_MAX_CHARS),
    host: hostname(),
    startedAt: new Date().toISOString(),
    restarts: 0,
  };
}

/** Once: a fault that comes with every line would fill the terminal. */
function faultTeller(say: (text: string) => void): (error: unknown) => void {
  let told = false;
  return (error) => {
    if (!told)
      say(`lines of the program are lost by a fault of the agent: ${(error as Error).message}`);
    told = true;
  };
}

function sayRecovered({ spool, directory }: OpenSpool, say: (text: string) => void): void {
  const { onDisk } = spool.waitingLines;
  if (onDisk > 0) say(`${onDisk} lines of an earlier run are in ${directory}, and go out first`);
}

function sayUndelivered({ spool, directory }: OpenSpool, say: (text: string) => void): void {
  const { onDisk, inMemory } = spool.waitingLines;
  const lost = inMemory + spool.droppedLines;
  if (lost > 0) say(`${lost} of the program's lines were not delivered`);
  if (onDisk > 0)
    say(`${onDisk} lines are kept in ${directory}, and go out with the next agent of this name`);
}
