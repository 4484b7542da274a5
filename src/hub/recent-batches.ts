import type { Position } from "../log/position.ts";
import { Batch, BATCH_BYTES } from "./batch.ts";
import type { Ring } from "./ring.ts";

/** They overlap, so a few is all that may be kept. */
const BATCHES_MAX = 16;
/** With what has been encoded of them, a quiet topic would hold more than its ring does. */
const TTL_MS = 2_000;

/** Batches out of a ring, shared by readers who lag alike. */
export class RecentBatches {
  readonly #ring: Ring;
  /** By the number of the cursor that they follow. */
  readonly #batches = new Map<number, Batch>();
  /** When the first of them was made. */
  #since = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** What comes after the cursor, as far as the ring knows; undefined where the log must be asked. */
  after(cursor: Position): Batch | undefined {
    if (!this.#ring.holds(cursor)) return undefined;
    let batch = this.#batches.get(cursor.n);
    if (!batch) {
      const events = this.#ring.after(cursor, BATCH_BYTES);
      if (events.length === 0) return undefined;
      if (this.#batches.size >= BATCHES_MAX) this.#batches.clear();
      if (this.#batches.size === 0) this.#since = performance.now();
      this.#batches.set(cursor.n, (batch = new Batch(events)));
    }
    return batch;
  }

  /** Forgets those that have served their time. */
  expire(now: number): void {
    if (now - this.#since > TTL_MS) this.clear();
  }

  /** The ring has changed. */
  clear(): void {
    this.#batches.clear();
  }
}
