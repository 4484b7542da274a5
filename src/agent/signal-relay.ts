import { tryInForeground } from "./proc.ts";
import type { Program } from "./program.ts";

/** Those that ask a program to end. */
const ENDING = ["SIGINT", "SIGTERM", "SIGQUIT"] as const;
/** Those that mean to each program what it makes of them. SIGHUP asks many to read their configuration again. */
const OTHERS = ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
/** What a terminal sends to everyone in its foreground when somebody types. */
const TYPED: ReadonlySet<string> = new Set(["SIGINT", "SIGQUIT"]);
/** A limit on file sizes is told by a signal that kills, or where it is handled, by an error that the spool can take. */
const FILE_SIZE_LIMIT = "SIGXFSZ";

/**
 * Hands the signals that we get to the program: the first that asks it to end as it is, the second as SIGKILL. Without
 * a program there is only us to end, and a signal says to hurry.
 */
export class SignalRelay implements AsyncDisposable {
  readonly #hurry = new AbortController();
  readonly #ending = new AbortController();
  #program: Program | undefined;
  #requests = 0;
  #hungUp = false;
  /** Between two runs of the program. */
  waiting = false;

  constructor() {
    for (const signal of ENDING) process.on(signal, this.#onEnding);
    for (const signal of OTHERS) process.on(signal, this.#onOther);
    process.on(FILE_SIZE_LIMIT, ignore);
  }

  /** Aborts when a signal to end comes and there is no program to take it. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  /** Aborts when somebody wants an end: the program is not to be started again. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** The program was told that its terminal has gone. */
  get hungUp(): boolean {
    return this.#hungUp;
  }

  /** From now on signals go to the program; undefined = it has gone. */
  set program(program: Program | undefined) {
    this.#program = program;
  }

  readonly #onEnding = (signal: NodeJS.Signals): void => {
    // Between two runs of a program the first signal says that there is no next one, and only another to hurry.
    const endsWait = this.waiting && !this.#ending.signal.aborted;
    this.#ending.abort();
    if (endsWait) return;
    if (!this.#program) this.#hurry.abort();
    else if (++this.#requests > 1) this.#program.kill("SIGKILL");
    else if (!TYPED.has(signal) || !reachesProgram()) this.#program.kill(signal);
  };

  readonly #onOther = (signal: NodeJS.Signals): void => {
    this.#hungUp ||= signal === "SIGHUP";
    if (this.#program) this.#program.kill(signal);
    // The terminal has gone, or whoever watches over us: nobody else would end us.
    else if (signal === "SIGHUP") this.#onEnding(signal);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    for (const signal of ENDING) process.off(signal, this.#onEnding);
    for (const signal of OTHERS) process.off(signal, this.#onOther);
    process.off(FILE_SIZE_LIMIT, ignore);
  }
}

const ignore = (): void => undefined;

/**
 * Ctrl-C in a terminal goes to everyone in its foreground, the program included. Ours on top would be its second, which
 * many programs take for "at once".
 */
function reachesProgram(): boolean {
  const atTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  return atTerminal && tryInForeground() !== false;
}
