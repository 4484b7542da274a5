import { ServiceError } from "../errors.ts";
import type { Reader } from "./reader.ts";
import type { Subscription } from "./subscription.ts";

const RECHECK_MS = 100;
const RETRY_MS = 1_000;
/** A clock may be set while it is waited for. */
const WAIT_MAX_MS = 600_000;

/**
 * Ends a reader whose range has an end, once the log has no more of it.
 *
 * A range ends by the log's clock and by what is in the log: not by this process' clock, which may be ahead of it, nor by
 * its tails, which may not have heard yet of what is there. Either would cut the range short and call it whole.
 */
export class RangeWatch {
  readonly #reader: Reader;
  #timer: NodeJS.Timeout | undefined;
  #checking = false;
  #closed = false;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** All that the tails know of has been handed over: see whether that is all, now and later. */
  check(): void {
    if (this.#checking || this.#closed) return;
    clearTimeout(this.#timer);
    this.#checking = true;
    void this.#check()
      .then((waitMs) => this.#arm(waitMs))
      .catch((error: unknown) => this.#reader.outlet.failed(error))
      .finally(() => (this.#checking = false));
  }

  #arm(waitMs: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.check(), Math.min(waitMs, WAIT_MAX_MS)).unref();
  }

  /** @returns when to look again, in ms */
  async #check(): Promise<number> {
    const open = this.#reader.subscriptions.filter(({ state }) => state !== "ended");
    try {
      const waits = await Promise.all(open.map((subscription) => this.#conclude(subscription)));
      return Math.max(RECHECK_MS, Math.min(...waits));
    } catch (error) {
      if (error instanceof ServiceError && error.code === "log-unavailable") return RETRY_MS;
      throw error;
    }
  }

  async #conclude(subscription: Subscription): Promise<number> {
    const { atHead, untilMs } = this.#reader.bounds;
    if (!atHead && untilMs !== undefined) {
      const leftMs = untilMs - (await this.#reader.hub.log.now(subscription.topic));
      if (leftMs > 0) return leftMs;
    }
    await subscription.conclude();
    return RECHECK_MS;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
