import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Delivery, LoadCommand, LoadReply, OpenCommand, PublishCommand } from "./protocol.ts";

/** For one command: more than the slowest subject takes for what anyone would ask of it. */
const COMMAND_TIMEOUT_MS = 600_000;
const FAREWELL_MS = 5_000;

/** The load generator as its parent sees it. */
export class LoadProcess implements AsyncDisposable {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL("main.ts", import.meta.url)));
  readonly #signal: AbortSignal;

  /** @param signal which cuts any command short */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  async open(command: Omit<OpenCommand, "kind">): Promise<void> {
    await this.#ask({ kind: "open", ...command });
  }

  async publish(command: Omit<PublishCommand, "kind">): Promise<Delivery> {
    const reply = await this.#ask({ kind: "publish", ...command });
    if (reply.kind !== "delivered") throw new Error(`The load generator answered ${reply.kind}.`);
    return reply.delivery;
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
      if (reply.kind === "failed") throw new Error(reply.message);
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
