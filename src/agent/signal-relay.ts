import type { Program } from "./program.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Hands the signals that we get to the program: the first that asks it to end as it is, the second as SIGKILL. Without
 * a program there is only us to end, and a signal says to hurry.
 */
export class SignalRelay implements AsyncDisposable {
  readonly #hurry = new AbortController();
  #program: Program | undefined;
  #requests = 0;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Aborts when a signal comes and there is no program to take it. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  /** From now on signals go to the program; undefined = it has gone. */
  set program(program: Program | undefined) {
    this.#program = program;
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (!this.#program) this.#hurry.abort();
    // It asks many programs to read their configuration again, and none to end twice.
    else if (signal === "SIGHUP") this.#program.kill(signal);
    else if (++this.#requests > 1) this.#program.kill("SIGKILL");
    else if (signal !== "SIGINT" || !hasTerminal()) this.#program.kill(signal);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }
}

/**
 * Ctrl-C in a terminal goes to everyone in the foreground, the program included. Ours on top would be its second, which
 * many programs take for "at once".
 */
function hasTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
}
