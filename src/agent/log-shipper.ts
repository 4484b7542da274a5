import { setTimeout as delay } from "node:timers/promises";
import type { Courier } from "./courier.ts";
import type { LogEntry } from "./log-entry.ts";
import type { Batch, Spool } from "./spool.ts";
import { judgeIngest, type Answer } from "./verdict.ts";

/** Lines come in bursts: a moment's wait makes one request of a burst. */
const COLLECT_MS = 50;

export interface LogShipperOptions {
  readonly courier: Courier;
  readonly spool: Spool;
  readonly say: (text: string) => void;
}

/** Sends a program's lines in their order, each once, one batch at a time. */
export class LogShipper implements AsyncDisposable {
  readonly #options: LogShipperOptions;
  readonly #stop = new AbortController();
  #refusedBefore = false;
  /** Set while there is something to send. */
  #pumping: Promise<void> | undefined;
  #onProgress: () => void = () => undefined;

  /** Begins with what the spool holds already. */
  constructor(options: LogShipperOptions) {
    this.#options = options;
    this.#wake();
  }

  /** They are in the spool when it returns. */
  add(entries: readonly LogEntry[]): void {
    this.#options.spool.add(entries);
    this.#wake();
  }

  /** Resolves when everything is in, or nothing has moved for `patienceMs`, or the signal says to hurry. The last call. */
  async flush(patienceMs: number, hurry: AbortSignal): Promise<void> {
    const giveUp = (): void => this.#stop.abort();
    const timer = setTimeout(giveUp, patienceMs);
    this.#onProgress = () => timer.refresh();
    hurry.addEventListener("abort", giveUp, { once: true });
    if (hurry.aborted) giveUp();
    try {
      await this.#pumping;
    } finally {
      clearTimeout(timer);
      hurry.removeEventListener("abort", giveUp);
      this.#stop.abort();
    }
  }

  #wake(): void {
    if (!this.#stop.signal.aborted && !this.#options.spool.isEmpty) this.#pumping ??= this.#pump();
  }

  async #pump(): Promise<void> {
    const { spool } = this.#options;
    const { signal } = this.#stop;
    try {
      while (!spool.isEmpty) {
        if (!spool.hasFullBatch) await delay(COLLECT_MS, undefined, { signal });
        await this.#send(spool.take()!, signal);
        this.#onProgress();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#pumping = undefined;
    }
  }

  async #send({ name, key, body, lines }: Batch, signal: AbortSignal): Promise<void> {
    const { courier, spool } = this.#options;
    const delivery = {
      method: "POST",
      path: `/api/v1/wukongs/${name}/logs`,
      contentType: "application/x-ndjson",
      body,
      idempotencyKey: key,
      judge: (answer: Answer) => judgeIngest(answer, lines),
    } as const;
    const next = () => {
      spool.tend();
      return delivery;
    };
    const refusal = await courier.deliver(next, signal);
    if (!refusal) return spool.acknowledge();
    spool.refuse(refusal);
    // Once: a server that refuses everything would fill the terminal. The end says how many it were.
    if (this.#refusedBefore) return;
    this.#refusedBefore = true;
    this.#options.say(`the server refuses log lines, and they are dropped: ${refusal.why}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#pumping;
  }
}
