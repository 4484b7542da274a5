import type { Hub } from "../../hub/hub.ts";
import { chatTopic } from "../../log/topic.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Model, ModelRequest } from "../models/model.ts";
import { type Lease, Leases } from "./leases.ts";
import { Producer } from "./producer.ts";
import { Readership } from "./readership.ts";
import { Sweeper } from "./sweeper.ts";

/** How long an answer waits for its first reader, whatever it then waits for the next. */
const FIRST_READER_MS = 5_000;
/** How often those without readers are looked for. */
const WATCH_MS = 500;

export interface GenerationsOptions {
  readonly hub: Hub;
  readonly state: StateStore;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly leaseMs: number;
  readonly maxPerPrincipal: number;
  readonly watchMs?: number;
}

export interface GenerationRun {
  readonly lease: Lease;
  readonly model: Model;
  readonly request: ModelRequest;
  /** How long it goes on without a reader; Infinity = to its end. */
  readonly abandonAfterMs: number;
}

interface Running {
  readonly producer: Producer;
  /** Resolves when it is over and its lease is no longer ours. */
  readonly over: Promise<void>;
  readonly abandonAfterMs: number;
  /** When its last reader left, here or elsewhere; before the first one came, the time by which it must have come. */
  readAt: number;
}

/** The answers that this process writes, and what it does for those of others: reads them, and ends those left behind. */
export class Generations implements AsyncDisposable {
  readonly readers: Readership;
  readonly leases: Leases;
  readonly #options: GenerationsOptions;
  readonly #sweeper: Sweeper;
  readonly #running = new Map<string, Running>();
  readonly #timer: NodeJS.Timeout;
  #watching: Promise<void> | undefined;
  #draining: AbortSignal | undefined;

  constructor(options: GenerationsOptions) {
    this.#options = options;
    const { hub, logger, leaseMs, metrics, state } = options;
    this.leases = new Leases(options);
    this.readers = new Readership({
      state,
      logger,
      isOurs: (generation) => this.#running.has(generation),
      onLeft: (generation) => this.#onLeft(generation),
    });
    this.#sweeper = new Sweeper({
      log: hub.log,
      state,
      metrics,
      logger,
      leaseMs,
      read: () => this.readers.generations,
      isOurs: (generation) => this.#running.has(generation),
    });
    const watch = (): void => this.#watch([...this.#running.keys()]);
    this.#timer = setInterval(watch, options.watchMs ?? WATCH_MS).unref();
  }

  /** It goes on, by the log: true where somebody is known to write it; else it is looked after from now on. */
  async isWritten(generation: string): Promise<boolean> {
    if (await this.leases.isHeld(generation)) return true;
    this.#sweeper.suspect(generation);
    return false;
  }

  /** Runs the model. Its start MUST have been logged. */
  run({ lease, model, request, abandonAfterMs }: GenerationRun): void {
    const { generation } = lease;
    const { hub, metrics, logger } = this.#options;
    const topic = chatTopic(generation);
    const producer = new Producer({ hub, metrics, logger, topic, model, request });
    const readAt = performance.now() + Math.max(0, FIRST_READER_MS - abandonAfterMs);
    const over = producer.done.then(async (ended) => {
      this.#running.delete(generation);
      if (ended) await this.leases.giveBack(lease);
      else this.leases.forget(lease);
    });
    this.#running.set(generation, { producer, over, abandonAfterMs, readAt });
    if (this.#draining?.aborted) producer.interrupt();
  }

  /** How many answers this process writes. */
  get count(): number {
    return this.#running.size;
  }

  #onLeft(generation: string): void {
    const running = this.#running.get(generation);
    if (!running) return;
    running.readAt = performance.now();
    if (running.abandonAfterMs === 0) this.#watch([generation]);
  }

  /** Ends those that nobody has read for too long. */
  #watch(generations: readonly string[]): void {
    const now = performance.now();
    const due = generations.filter((generation) => {
      const running = this.#running.get(generation);
      if (!running || this.readers.has(generation)) return false;
      return now - running.readAt >= running.abandonAfterMs;
    });
    if (due.length === 0) return;
    this.#watching = Promise.all([this.#watching, this.#abandon(due)]).then(
      () => undefined,
      (err: unknown) => {
        // Whether somebody reads it elsewhere cannot be known: it goes on.
        this.#options.logger.debug({ err }, "it could not be asked who reads which answers");
      },
    );
  }

  async #abandon(due: readonly string[]): Promise<void> {
    const elsewhere = await this.readers.elsewhere(due);
    for (const [index, generation] of due.entries()) {
      const running = this.#running.get(generation);
      if (!running || this.readers.has(generation)) continue;
      if (elsewhere[index]) running.readAt = performance.now();
      else running.producer.abandon();
    }
  }

  /** Lets running generations end, until the signal aborts; then they end with an error. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#draining = deadline;
    const interrupt = (): void =>
      this.#running.forEach(({ producer }) => {
        producer.interrupt();
      });
    if (deadline.aborted) interrupt();
    else deadline.addEventListener("abort", interrupt, { once: true });
    await Promise.all(Array.from(this.#running.values(), ({ over }) => over));
    deadline.removeEventListener("abort", interrupt);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.drain(AbortSignal.abort());
    await this.#watching;
    await this.#sweeper[Symbol.asyncDispose]();
    await this.readers[Symbol.asyncDispose]();
    await this.leases[Symbol.asyncDispose]();
  }
}
