import { setTimeout as delay } from "node:timers/promises";
import { quantile } from "../quantile.ts";
import { nowUs, publishTimes } from "./payload.ts";
import type { Delivery, OpenCommand, PublishCommand } from "./protocol.ts";
import { Publisher } from "./publisher.ts";
import { Reader } from "./reader.ts";

/** Readers that connect at once: fewer than any server's backlog. */
const WAVE = 200;
/** Readers whose latency is looked at. */
const SAMPLED = 50;
/** Without any event for so long, those that are missing are lost. */
const PATIENCE_MS = 10_000;

/** All readers of one subject, and the one who publishes to it. */
export class Load implements Disposable {
  readonly #readers: Reader[] = [];
  readonly #publisher: Publisher;
  #received = 0;
  #closed = false;
  #waiting: { readonly target: number; settle(): void } | undefined;
  #latenciesMs: number[] = [];

  private constructor(publisher: Publisher) {
    this.#publisher = publisher;
  }

  static async open({ port, surface, readers }: OpenCommand): Promise<Load> {
    const load = new Load(new Publisher(port, surface));
    const count = (events: number): void => load.#count(events);
    while (load.#readers.length < readers) {
      const wave = Math.min(WAVE, readers - load.#readers.length);
      const opened = Array.from({ length: wave }, () => Reader.open(port, surface, count));
      load.#readers.push(...(await Promise.all(opened)));
    }
    return load;
  }

  /**
   * The next publish waits until the last has been answered and received by all: every write then meets a reader who
   * has kept up. Otherwise a subject that is quicker than the readers would be flattered, since a write to a socket that
   * still has data costs the kernel less.
   */
  async publish({ events, burst, rate }: PublishCommand): Promise<Delivery> {
    const readers = this.#readers.length;
    const before = this.#readers.map(({ count }) => count);
    const receivedBefore = this.#received;
    this.#sample(rate !== undefined);
    const startedAt = performance.now();
    let sent = 0;
    while (sent < events && !this.#closed) {
      const size = Math.min(burst, events - sent);
      await this.#publisher.publish(size);
      sent += size;
      if (!(await this.#receive(receivedBefore + sent * readers))) break;
      if (rate !== undefined)
        await delay(startedAt + (sent / burst / rate) * 1_000 - performance.now());
    }
    const endedAt = performance.now();
    const counts = this.#readers.map(({ count }, index) => count - before[index]!);
    const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
    return {
      expected: sent * readers,
      lost: sum(counts.map((count) => Math.max(0, sent - count))),
      doubled: sum(counts.map((count) => Math.max(0, count - sent))),
      wallMs: endedAt - startedAt,
      latencyMs:
        rate === undefined
          ? undefined
          : { p50: quantile(this.#latenciesMs, 0.5), p99: quantile(this.#latenciesMs, 0.99) },
    };
  }

  #sample(on: boolean): void {
    this.#latenciesMs = [];
    const onText = (text: string): void => {
      const now = nowUs();
      for (const time of publishTimes(text)) this.#latenciesMs.push((now - time) / 1_000);
    };
    // Evenly over all, because who is served last waits longest.
    const stride = Math.max(1, Math.floor(this.#readers.length / SAMPLED));
    for (const [index, reader] of this.#readers.entries())
      reader.onText = on && index % stride === 0 ? onText : undefined;
  }

  /** False where nothing has come for so long that what is missing is lost. */
  async #receive(target: number): Promise<boolean> {
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
    this.#publisher[Symbol.dispose]();
    for (const reader of this.#readers) reader.close();
  }
}
