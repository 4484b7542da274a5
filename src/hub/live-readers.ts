import type { Metrics } from "../telemetry/metrics.ts";
import type { Batch } from "./batch.ts";
import type { Subscription } from "./subscription.ts";

/** Readers for whom one look at the clock does. */
const TIMED_TOGETHER = 128;

/** The subscriptions that stand at a topic's head: each new batch is written to all of them in one go. */
export class LiveReaders {
  readonly #metrics: Metrics;
  readonly #subscriptions = new Set<Subscription>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  add(subscription: Subscription): void {
    this.#subscriptions.add(subscription);
  }

  delete(subscription: Subscription): void {
    this.#subscriptions.delete(subscription);
  }

  /**
   * Hot path. How late the batch is is looked at as it goes round: of thousands of readers, the last have waited until all
   * the others were written to.
   */
  offer(batch: Batch): void {
    const { ms } = batch.events[0]!.position;
    let taken = 0;
    // A Set bears the removals of those who fall behind; nobody joins meanwhile (see `Reader.kick`).
    for (const subscription of this.#subscriptions) {
      if (!subscription.offer(batch)) continue;
      if (++taken < TIMED_TOGETHER) continue;
      this.#metrics.deliveryLatency(Date.now() - ms, taken);
      taken = 0;
    }
    if (taken > 0) this.#metrics.deliveryLatency(Date.now() - ms, taken);
  }

  /** The topic is gone: each waits where it stands. */
  strand(): void {
    for (const subscription of this.#subscriptions) subscription.strand();
  }
}
