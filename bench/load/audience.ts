import { setTimeout as delay } from "node:timers/promises";
import { nowUs, publishTimes } from "./payload.ts";
import { openReader, type Reader, type ReaderRequest } from "./reader.ts";

/** Readers that connect at once: fewer than any server's backlog. */
const WAVE = 200;
/** Readers whose latency is looked at. */
const SAMPLED = 50;
/** Without any event for so long, those that are missing are lost. */
const PATIENCE_MS = 10_000;

/** For one wave to be live. */
const OPEN_PATIENCE_MS = 60_000;

/** All readers of one subject, and how much they have received in all. */
export class Audience implements Disposable {
  readonly #request: Omit<ReaderRequest, "onEvents">;
  #readers: readonly Reader[] = [];
  #received = 0;
  #closed = false;
  #waiting: { readonly target: number; settle(): void } | undefined;
  latenciesMs: number[] = [];

  constructor(request: Omit<ReaderRequest, "onEvents">) {
    this.#request = request;
  }

  get readers(): readonly Reader[] {
    return this.#readers;
  }

  /** Events, over all readers, since they are live. */
  get received(): number {
    return this.#received;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when each has been told that it is live. */
  async open(count: number, atOnce: boolean, lastEventId?: string): Promise<void> {
    const onEvents = (events: number): void => this.#count(events);
    const resume = lastEventId === undefined ? {} : { lastEventId };
    const readers: Reader[] = [];
    this.#readers = readers;
    while (readers.length < count) {
      const wave = Math.min(atOnce ? count : WAVE, count - readers.length);
      const opened = Array.from({ length: wave }, () =>
        openReader({ ...this.#request, ...resume, onEvents }),
      );
      readers.push(...(await inTime(Promise.all(opened))));
    }
  }

  cut(): void {
    for (const reader of this.#readers) reader.close();
    this.#readers = [];
  }

  /** Looks at the latency of some readers from now on, or of none. */
  sample(on: boolean): void {
    this.latenciesMs = [];
    const onText = (text: string): void => {
      const now = nowUs();
      for (const time of publishTimes(text)) this.latenciesMs.push((now - time) / 1_000);
    };
    // Evenly over all, because who is served last waits longest.
    const stride = Math.max(1, Math.floor(this.#readers.length / SAMPLED));
    for (const [index, reader] of this.#readers.entries())
      reader.onText = on && index % stride === 0 ? onText : undefined;
  }

  /** Resolves when so much has been received: false where nothing has come for so long that what is missing is lost. */
  async receive(target: number): Promise<boolean> {
    let last = -1;
    while (this.#received < target && !this.#closed) {
      if (this.#received === last) return false;
      last = this.#received;
      await this.#reached(target);
    }
    return true;
  }

  /** Resolves when so much has been received, in all, or after PATIENCE_MS. */
  #reached(target: number): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve();
      };
      const timer = setTimeout(settle, PATIENCE_MS);
      this.#waiting = { target, settle };
    });
  }

  #count(events: number): void {
    this.#received += events;
    if (this.#waiting && this.#received >= this.#waiting.target) this.#waiting.settle();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#waiting?.settle();
    this.cut();
  }
}

async function inTime<T>(opened: Promise<T>): Promise<T> {
  const settled = new AbortController();
  const late = delay(OPEN_PATIENCE_MS, undefined, { signal: settled.signal }).then(() => {
    throw new Error(`Some readers were not live within ${OPEN_PATIENCE_MS / 1_000} s.`);
  });
  try {
    return await Promise.race([opened, late]);
  } finally {
    settled.abort();
    await late.catch(() => undefined);
  }
}
