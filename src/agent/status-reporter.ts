import type { Courier, Delivery } from "./courier.ts";
import type { ProgramStatus } from "./program-status.ts";
import { judgePublish } from "./verdict.ts";

export interface StatusReporterOptions {
  readonly courier: Courier;
  readonly name: string;
  /** Unique to this run of the agent. */
  readonly run: string;
  readonly say: (text: string) => void;
}

/** Tells the server what state the program is in. While the server is away, only the newest is kept. */
export class StatusReporter implements AsyncDisposable {
  readonly #options: StatusReporterOptions;
  readonly #stop = new AbortController();
  #newest: Delivery | undefined;
  #reports = 0;
  #pumping: Promise<void> | undefined;

  constructor(options: StatusReporterOptions) {
    this.#options = options;
  }

  report(status: ProgramStatus): void {
    const { name, run } = this.#options;
    this.#newest = {
      method: "PUT",
      path: `/api/v1/wukongs/${name}/status`,
      contentType: "application/json",
      body: JSON.stringify(status),
      idempotencyKey: `${run}-status-${++this.#reports}`,
      judge: judgePublish,
    };
    this.#pumping ??= this.#pump(this.#newest);
  }

  /**
   * Resolves when the newest status is in or refused, or after `patienceMs`, or when the signal says to hurry. The
   * last call.
   * @returns whether there is nothing left to tell
   */
  async flush(patienceMs: number, hurry: AbortSignal): Promise<boolean> {
    const giveUp = (): void => this.#stop.abort();
    const timer = setTimeout(giveUp, patienceMs);
    hurry.addEventListener("abort", giveUp, { once: true });
    if (hurry.aborted) giveUp();
    try {
      await this.#pumping;
    } finally {
      clearTimeout(timer);
      hurry.removeEventListener("abort", giveUp);
    }
    return this.#newest === undefined;
  }

  async #pump(first: Delivery): Promise<void> {
    const { courier, say } = this.#options;
    const { signal } = this.#stop;
    try {
      for (let current: Delivery | undefined = first; current; current = this.#newest) {
        let sent: Delivery = current;
        // The newest at each attempt: what a server that was away has missed is of no use to anyone.
        const refusal = await courier.deliver(() => (sent = this.#newest ?? sent), signal);
        if (refusal) say(`the server refuses the status: ${refusal.why}`);
        if (this.#newest === sent) this.#newest = undefined;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#pumping = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#pumping;
  }
}
