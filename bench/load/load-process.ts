import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LoadCommand, LoadReply, Outcome } from "./protocol.ts";

/** For one command: more than the slowest subject takes for what anyone would ask of it. */
const COMMAND_TIMEOUT_MS = 600_000;
const FAREWELL_MS = 5_000;

/** The load generator as its parent sees it. */
export class LoadProcess implements AsyncDisposable {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL("main.ts", import.meta.url)));
  readonly #signal: AbortSignal;
  readonly #onOutcome: (outcome: Outcome) => void;

  /**
   * @param signal which cuts any command short
   * @param onOutcome told of what became of each command
   */
  constructor(signal: AbortSignal, onOutcome: (outcome: Outcome) => void) {
    this.#signal = signal;
    this.#onOutcome = onOutcome;
  }

  /** @throws where the command has failed, with the reason */
  async do(command: LoadCommand): Promise<Outcome> {
    const reply = await this.#ask(command);
    if (reply.kind === "failed") throw new Error(reply.message);
    this.#onOutcome(reply.outcome);
    return reply.outcome;
  }

  async #ask(command: LoadCommand): Promise<LoadReply> {
    const settled = new AbortController();
    const signal = AbortSignal.any([
      this.#signal,
      settled.signal,
      AbortSignal.timeout(COMMAND_TIMEOUT_MS),
    ]);
    const answered = once(this.#child, "message", { signal });
    const died = once(this.#child, "exit", { signal }).then(() => {
      throw new Error(`The load generator died while it should ${command.kind}.`);
    });
    this.#child.send(command);
    try {
      const [reply] = (await Promise.race([answered, died])) as [LoadReply];
      return reply;
    } finally {
      settled.abort();
      // What has lost the race is of no more interest.
      await Promise.allSettled([answered, died]);
    }
  }

  /** Lets it end by itself, because it closes its sockets so that their ports are free at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), FAREWELL_MS);
    if (this.#child.connected) this.#child.disconnect();
    await exited;
    clearTimeout(timer);
  }
}
