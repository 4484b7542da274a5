import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Readable } from "node:stream";

/** How a program ended: by itself with a code, or by a signal. */
export interface ProgramExit {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** What a shell answers for a program that it cannot find, or may not run. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** The program could not be started; `exitCode` is what a shell would say. */
export class StartError extends Error {
  override name = "StartError";
  readonly exitCode: number;

  constructor(command: string, cause: NodeJS.ErrnoException) {
    const missing = cause.code === "ENOENT";
    const reason = missing ? "there is no such program" : cause.message;
    super(`${command} cannot be started: ${reason}`, { cause });
    this.exitCode = missing ? NOT_FOUND : NOT_EXECUTABLE;
  }
}

/** The program beside which the agent runs: its stdin is ours, its output comes to us. */
export class Program {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles once it runs. @throws StartError */
  readonly started: Promise<void>;
  readonly exited: Promise<ProgramExit>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, command: string) {
    this.#child = child;
    this.stdout = child.stdout!;
    this.stderr = child.stderr!;
    this.started = once(child, "spawn").then(
      () => undefined,
      (cause: NodeJS.ErrnoException) => {
        throw new StartError(command, cause);
      },
    );
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) =>
        resolve({ code: code ?? undefined, signal: signal ?? undefined }),
      );
    });
    // A signal that cannot be delivered, because the program has just gone, is no reason to fall.
    child.on("error", () => undefined);
  }

  /** @throws StartError where the system refuses at once; else see `started` */
  static start([command, ...args]: readonly [string, ...string[]]): Program {
    try {
      return new Program(spawn(command, args, { stdio: ["inherit", "pipe", "pipe"] }), command);
    } catch (error) {
      throw new StartError(command, error as NodeJS.ErrnoException);
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** The exit code that says the same of us: a shell's convention is 128 and the number of the signal. */
export function exitCodeOf({ code, signal }: ProgramExit): number {
  return signal === undefined ? (code ?? 1) : 128 + constants.signals[signal];
}
