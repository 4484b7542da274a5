import { setTimeout as delay } from "node:timers/promises";
import type { Courier } from "./courier.ts";
import { LineBuffer } from "./line-buffer.ts";
import type { LogEntry } from "./log-entry.ts";
import { judgeIngest, type Refusal } from "./verdict.ts";

/** Lines come in bursts: a moment's wait makes one request of a burst. */
const COLLECT_MS = 50;

export interface LogShipperOptions {
  readonly courier: Courier;
  readonly name: string;
  /** Unique to this run of the agent: two runs' keys must not meet. */
  readonly run: string;
  readonly bufferBytes: number;
  readonly say: (text: string) => void;
}

/** Sends a program's lines in their order, each once, one batch at a time. */
export class LogShipper implements AsyncDisposable {
  readonly #options: LogShipperOptions;
  readonly #buffer: LineBuffer;
  readonly #stop = new AbortController();
  #inFlight: readonly LogEntry[] = [];
  #batches = 0;
  #refusedBefore = false;
  /** Set while there is something to send. */
  #pumping: Promise<void> | undefined;
  #onProgress: () => void = () => undefined;

  constructor(options: LogShipperOptions) {
    this.#options = options;
    this.#buffer = new LineBuffer(options.bufferBytes);
  }

  add(entry: LogEntry): void {
    this.#buffer.add(entry);
    if (!this.#stop.signal.aborted) this.#pumping ??= this.#pump();
  }

  /**
   * Resolves when everything is in, or nothing has moved for `patienceMs`, or the signal says to hurry. The last call.
   * @returns how many lines the server has not acknowledged, the dropped ones included
   */
  async flush(patienceMs: number, hurry: AbortSignal): Promise<number> {
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
    const waiting = [...this.#inFlight, ...this.#buffer.entries()];
    return waiting.filter(({ missing }) => !missing).length + this.#buffer.lost;
  }

  async #pump(): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (this.#buffer.length > 0) {
        if (!this.#buffer.hasFullBatch) await delay(COLLECT_MS, undefined, { signal });
        await this.#send(this.#buffer.take(), signal);
        this.#onProgress();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#pumping = undefined;
    }
  }

  async #send(entries: readonly LogEntry[], signal: AbortSignal): Promise<void> {
    const { courier, name, run } = this.#options;
    this.#inFlight = entries;
    const batch = {
      method: "POST",
      path: `/api/v1/wukongs/${name}/logs`,
      contentType: "application/x-ndjson",
      body: entries.map(({ json }) => `${json}\n`).join(""),
      idempotencyKey: `${run}-${++this.#batches}`,
      judge: (answer: Parameters<typeof judgeIngest>[0]) => judgeIngest(answer, entries.length),
    } as const;
    const refusal = await courier.deliver(() => batch, signal);
    this.#inFlight = [];
    if (refusal) this.#giveUp(entries, refusal);
  }

  /** One bad line costs only itself, where the server says which it is; else it costs what is not in of the batch. */
  #giveUp(entries: readonly LogEntry[], { why, lines, line = 0 }: Refusal): void {
    const fault = line > lines ? entries[line - 1] : undefined;
    // A server that refuses even the word that lines are missing would be asked for ever.
    if (fault && !fault.missing) {
      const word = this.#buffer.replace("refused");
      this.#buffer.putBack([...entries.slice(lines, line - 1), word, ...entries.slice(line)]);
    } else {
      for (const entry of entries.slice(lines)) this.#buffer.drop(entry, "refused");
    }
    // Once: a server that refuses everything would fill the terminal. The end says how many it were.
    if (this.#refusedBefore) return;
    this.#refusedBefore = true;
    this.#options.say(`the server refuses log lines, and they are dropped: ${why}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#pumping;
  }
}
