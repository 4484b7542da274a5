import { EventEmitter, once } from "node:events";
import type { Batch } from "../../src/hub/batch.ts";
import type { Outlet } from "../../src/hub/reader.ts";
import type { Subscription } from "../../src/hub/subscription.ts";

/** Without any event for so long, those that are missing are lost. */
const PATIENCE_MS = 10_000;

/** A reader within the process of the hub, as fast as can be. */
export class CountingReader implements Outlet {
  readonly writable = true;
  readonly #emitter = new EventEmitter();
  readonly whenLive = once(this.#emitter, "live");
  /** Events received. */
  count = 0;
  #target = Number.POSITIVE_INFINITY;

  events(_: Subscription, { events }: Batch): void {
    this.count += events.length;
    if (this.count >= this.#target) this.#emitter.emit("reached");
  }

  /** Resolves when so many have come, or none for so long that what is missing is lost. */
  async until(target: number): Promise<void> {
    this.#target = target;
    for (let last = -1; this.count < target && this.count !== last;) {
      last = this.count;
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
