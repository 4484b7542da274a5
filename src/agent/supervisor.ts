import { setTimeout as delay } from "node:timers/promises";
import type { Line } from "./line-reader.ts";
import type { OutputSource } from "./log-entry.ts";
import { exitCodeOf, Program, StartError } from "./program.ts";
import { ProgramOutput } from "./program-output.ts";
import type { ProgramStatus } from "./program-status.ts";
import type { RestartPolicy } from "./restart-policy.ts";
import type { SignalRelay } from "./signal-relay.ts";
import type { Terminal } from "./terminal.ts";

export interface SupervisorOptions {
  readonly command: readonly [string, ...string[]];
  /** Undefined = the program's output is not shown. */
  readonly terminal: Terminal | undefined;
  readonly relay: SignalRelay;
  readonly policy: RestartPolicy;
  readonly onChange: (change: Partial<ProgramStatus>) => void;
  readonly onLines: (source: OutputSource, lines: readonly Line[]) => void;
  /** An output is at its end; another run of the program may begin it anew. */
  readonly onEnd: (source: OutputSource) => void;
  readonly say: (text: string) => void;
}

export interface ProgramEnd {
  /** Ours, which says the same as the program's. */
  readonly exitCode: number;
  /** What the last status says of it. */
  readonly status: Partial<ProgramStatus>;
}

interface Run extends ProgramEnd {
  /** It never ran: what cannot be started at all is a mistake that another try does not mend. */
  readonly started: boolean;
  readonly hungUp: boolean;
}

/** Runs the program, again where the policy says so, until it has ended for good. */
export async function supervise(options: SupervisorOptions): Promise<ProgramEnd> {
  const { relay, policy, onChange, say } = options;
  for (;;) {
    const startedAt = Date.now();
    const run = await runOnce(options);
    const wanted = relay.ending.aborted || run.hungUp;
    const mayRestart = !wanted && (run.started || policy.restarts > 0);
    const failed = run.exitCode !== 0;
    const waitMs = mayRestart ? policy.next({ failed, ranMs: Date.now() - startedAt }) : undefined;
    if (waitMs === undefined) return run;
    const restartAt = new Date(Date.now() + waitMs).toISOString();
    const { restarts } = policy;
    onChange({ ...run.status, phase: "Restarting", restartAt, restarts: restarts - 1 });
    say(
      `the program ended with ${run.exitCode}; start ${restarts + 1} in ${Math.round(waitMs)} ms`,
    );
    if (!(await waited(waitMs, relay))) return run;
    onChange({ ...FRESH, phase: "Starting", restarts, startedAt: new Date().toISOString() });
  }
}

/** What a program that starts again has no more, or not yet. */
const FRESH: Partial<ProgramStatus> = {
  pid: undefined,
  exitCode: undefined,
  signal: undefined,
  endedAt: undefined,
  restartAt: undefined,
  message: undefined,
};

/** @returns false where somebody wants an end meanwhile */
async function waited(ms: number, relay: SignalRelay): Promise<boolean> {
  relay.waiting = true;
  try {
    await delay(ms, undefined, { signal: relay.ending });
    return true;
  } catch {
    return false;
  } finally {
    relay.waiting = false;
  }
}

/** From the program's start to the end of its output. */
async function runOnce(options: SupervisorOptions): Promise<Run> {
  const { command, terminal, relay, onChange, onLines, onEnd, say } = options;
  const read = (program: Program, source: OutputSource): ProgramOutput =>
    new ProgramOutput(program[source], {
      echo: terminal?.[source],
      onLines: (lines) => onLines(source, lines),
    });
  try {
    const program = Program.start(command);
    relay.program = program;
    await using stdout = read(program, "stdout");
    await using stderr = read(program, "stderr");
    await program.started;
    onChange({ phase: "Running", pid: program.pid });
    const { code, signal } = await program.exited;
    const endedAt = new Date().toISOString();
    relay.program = undefined;
    await Promise.all([stdout.end(relay.hurry), stderr.end(relay.hurry)]);
    for (const source of ["stdout", "stderr"] as const) onEnd(source);
    const phase = code === 0 ? "Succeeded" : "Failed";
    return {
      exitCode: exitCodeOf({ code, signal }),
      status: { phase, exitCode: code, signal, endedAt },
      started: true,
      hungUp: signal === "SIGHUP" && relay.hungUp,
    };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    relay.program = undefined;
    const { message, exitCode } = error;
    say(message);
    const endedAt = new Date().toISOString();
    const status = { phase: "Failed", message, exitCode, endedAt } as const;
    return { exitCode, status, started: false, hungUp: false };
  }
}
