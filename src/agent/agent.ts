import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Writable } from "node:stream";
import { Courier } from "./courier.ts";
import type { Line } from "./line-reader.ts";
import { logEntries, type OutputSource } from "./log-entry.ts";
import { LogShipper } from "./log-shipper.ts";
import type { AgentOptions } from "./options.ts";
import { exitCodeOf, Program, StartError } from "./program.ts";
import { ProgramOutput } from "./program-output.ts";
import { SignalRelay } from "./signal-relay.ts";
import { type ProgramStatus, StatusReporter } from "./status-reporter.ts";

/** After the program's end the rest has so long to get on, again after each batch that is in. */
const FLUSH_PATIENCE_MS = 10_000;
/** What the last status gets of a server that was away for the lines already: one attempt after the longest back-off. */
const LAST_WORD_PATIENCE_MS = 4_000;
const COMMAND_MAX_CHARS = 1_024;

/** Where the program's output, and the agent's own words, are shown. */
export interface Terminal {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Runs a program, and publishes its lines and its state until its end. @returns the exit code that says the same */
export async function runAgent(options: AgentOptions, terminal: Terminal): Promise<number> {
  const { name, server, bufferBytes, command } = options;
  const say = (text: string): void => void terminal.stderr.write(`novastream: ${text}\n`);
  const publishing = { courier: new Courier({ server, say }), name, run: randomUUID(), say };
  await using shipper = new LogShipper({ ...publishing, bufferBytes });
  await using reporter = new StatusReporter(publishing);
  await using relay = new SignalRelay();

  let status: ProgramStatus = {
    phase: "Starting",
    command: command.join(" ").slice(0, COMMAND_MAX_CHARS),
    host: hostname(),
    startedAt: new Date().toISOString(),
    restarts: 0,
  };
  const report = (change: Partial<ProgramStatus>): void =>
    reporter.report((status = { ...status, ...change }));
  report({});
  const onLine = (line: Line, source: OutputSource): void => {
    const time = new Date().toISOString();
    for (const entry of logEntries(line, source, time)) shipper.add(entry);
  };
  const end = await runProgram({ ...options, terminal, relay, report, onLine, say });

  // The lines first: who sees the end and then reads the log finds it whole.
  const undelivered = await shipper.flush(FLUSH_PATIENCE_MS, relay.hurry);
  if (undelivered > 0) say(`${undelivered} of the program's lines were not delivered`);
  report(end.status);
  const patienceMs = undelivered > 0 ? LAST_WORD_PATIENCE_MS : FLUSH_PATIENCE_MS;
  if (!(await reporter.flush(patienceMs, relay.hurry))) say("the last status was not delivered");
  return end.exitCode;
}

interface ProgramRun {
  readonly command: AgentOptions["command"];
  readonly quiet: boolean;
  readonly terminal: Terminal;
  readonly relay: SignalRelay;
  readonly report: (change: Partial<ProgramStatus>) => void;
  readonly onLine: (line: Line, source: OutputSource) => void;
  readonly say: (text: string) => void;
}

interface ProgramEnd {
  /** Ours, which says the same as the program's. */
  readonly exitCode: number;
  readonly status: Partial<ProgramStatus>;
}

/** From the program's start to the end of its output. */
async function runProgram(run: ProgramRun): Promise<ProgramEnd> {
  const { terminal, quiet, relay, report, say } = run;
  const read = (program: Program, source: OutputSource): ProgramOutput =>
    new ProgramOutput(program[source], {
      echo: quiet ? undefined : terminal[source],
      onLine: (line) => run.onLine(line, source),
    });
  try {
    const program = Program.start(run.command);
    relay.program = program;
    await using stdout = read(program, "stdout");
    await using stderr = read(program, "stderr");
    await program.started;
    report({ phase: "Running", pid: program.pid });
    const { code, signal } = await program.exited;
    const endedAt = new Date().toISOString();
    relay.program = undefined;
    await Promise.all([stdout.end(relay.hurry), stderr.end(relay.hurry)]);
    const phase = code === 0 ? "Succeeded" : "Failed";
    return {
      exitCode: exitCodeOf({ code, signal }),
      status: { phase, exitCode: code, signal, endedAt },
    };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    relay.program = undefined;
    const { message, exitCode } = error;
    say(message);
    const endedAt = new Date().toISOString();
    return { exitCode, status: { phase: "Failed", message, exitCode, endedAt } };
  }
}
