import { setTimeout as delay } from "node:timers/promises";
import { type Deviation, Ledger, sum } from "./ledger.ts";
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

/** Readers who come, and what each must have been given when it is told that it is live. */
export interface Arrival {
  readonly count: number;
  /** All in one go, not in waves. */
  readonly atOnce: boolean;
  /** The number of the first event that they should be given. */
  readonly from: number;
  /** The number of the first event that is yet to be published. */
  readonly to: number;
  /** What they show on their return. */
  readonly lastEventId?: string;
}

/** A reader and what it was given. */
interface Member {
  readonly reader: Reader;
  readonly ledger: Ledger;
  /** When it was told that it is live. */
  readonly arrived: Deviation;
}

/** All readers of one subject, and what they have been given. */
export class Audience implements Disposable {
  readonly #request: Omit<ReaderRequest, "onEvent">;
  #members: readonly Member[] = [];
  #received = 0;
  #closed = false;
  #waiting: { readonly target: number; settle(): void } | undefined;
  latenciesMs: number[] = [];

  constructor(request: Omit<ReaderRequest, "onEvent">) {
    this.#request = request;
  }

  /** How many readers there are. */
  get size(): number {
    return this.#members.length;
  }

  /** All read the same topic and have been told of the same head: one reader's is everybody's. */
  get cursor(): string {
    return this.#members[0]!.reader.cursor;
  }

  /** Events, over all readers: each once, and those too that a later one has come instead of. */
  get received(): number {
    return this.#received;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when each has been told that it is live. @returns what they had been given amiss by then */
  async open(arrival: Arrival): Promise<Deviation> {
    const { count, atOnce } = arrival;
    const members: Member[] = [];
    this.#members = members;
    while (members.length < count) {
      const wave = Math.min(atOnce ? count : WAVE, count - members.length);
      const opened = Array.from({ length: wave }, () => this.#open(arrival));
      members.push(...(await inTime(Promise.all(opened))));
    }
    return sum(members.map(({ arrived }) => arrived));
  }

  async #open({ from, to, lastEventId }: Arrival): Promise<Member> {
    const ledger = new Ledger(from);
    const onEvent = (number: number): void => this.#count(ledger.take(number));
    const resume = lastEventId === undefined ? {} : { lastEventId };
    const reader = await openReader({ ...this.#request, ...resume, onEvent });
    // At once: what comes after word that it is live comes too late to be counted as given before it.
    return { reader, ledger, arrived: ledger.settle(to) };
  }

  /** Of all readers, since they were settled last. @param end the number of the first event that is yet to be published */
  settle(end: number): Deviation {
    return sum(this.#members.map(({ ledger }) => ledger.settle(end)));
  }

  cut(): void {
    for (const { reader } of this.#members) reader.close();
    this.#members = [];
  }

  /** Looks at the latency of some readers from now on, or of none. */
  sample(on: boolean): void {
    this.latenciesMs = [];
    const onText = (text: string): void => {
      const now = nowUs();
      for (const time of publishTimes(text)) this.latenciesMs.push((now - time) / 1_000);
    };
    // Evenly over all, because who is served last waits longest.
    const stride = Math.max(1, Math.floor(this.#members.length / SAMPLED));
    for (const [index, { reader }] of this.#members.entries())
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
