import { EventEmitter, once } from "node:events";
import type { Batch } from "../../src/hub/batch.ts";
import type { Outlet } from "../../src/hub/reader.ts";
import type { Subscription } from "../../src/hub/subscription.ts";
import { numberOf } from "../load/event-number.ts";
import type { Deviation } from "../load/ledger.ts";

/** Without any event for so long, those that are missing are lost. */
const PATIENCE_MS = 10_000;

/**
 * A reader within the process of the hub, as fast as can be. It ticks off the number of each event, in whatever order they
 * come: of appends that are under way at once none is the first.
 */
export class CountingReader implements Outlet {
  readonly writable = true;
  readonly #emitter = new EventEmitter();
  readonly whenLive = once(this.#emitter, "live");
  readonly #seen: Uint8Array;
  #count = 0;
  #doubled = 0;
  #target = Number.POSITIVE_INFINITY;

  /** @param events how many there will be, with numbers from 0 on */
  constructor(events: number) {
    this.#seen = new Uint8Array(events);
  }

  /** Of all events, those to warm up among them. */
  get deviation(): Deviation {
    return { lost: this.#seen.length - this.#count, doubled: this.#doubled };
  }

  events(_: Subscription, { events }: Batch): void {
    for (const { data } of events) {
      const number = numberOf(data);
      if (this.#seen[number] === 0) this.#count++;
      else this.#doubled++;
      this.#seen[number] = 1;
    }
    if (this.#count >= this.#target) this.#emitter.emit("reached");
  }

  /** Resolves when so many have come, or none for so long that what is missing is lost. */
  async until(target: number): Promise<void> {
    this.#target = target;
    for (let last = -1; this.#count < target && this.#count !== last;) {
      last = this.#count;
      const signal = AbortSignal.timeout(PATIENCE_MS);
      await once(this.#emitter, "reached", { signal }).catch(() => undefined);
    }
    this.#target = Number.POSITIVE_INFINITY;
  }

  live(): void {
    this.#emitter.emit("live");
  }

  gap(_: Subscription, { reason }: Parameters<Outlet["gap"]>[1]): void {
    this.failed(new Error(`The reader was told of a gap: ${reason}.`));
  }

  failed(error: unknown): void {
    this.#emitter.emit("error", error);
  }

  dropped(): void {}
  finished(): void {}
  deleted(): void {}
}
