import { setImmediate as turnOfLoop, setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../errors.ts";
import { formatPosition, type Position } from "../log/position.ts";
import type { Event } from "../log/event.ts";
import type { Topic } from "../log/topic.ts";
import type { Batch } from "./batch.ts";
import type { Bounds } from "./bounds.ts";
import { cursorPrefix } from "./cursor.ts";
import type { Hub } from "./hub.ts";
import { RangeWatch } from "./range-watch.ts";
import { Room } from "./selection.ts";
import type { DroppedNotice, GapNotice } from "./notices.ts";
import { Subscription, type SubscriptionRequest } from "./subscription.ts";

const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 2_000;
/** How long a reader may go through what is at hand before the others have their turn. */
const SLICE_MS = 10;

/**
 * PORT. Where a reader's events go: a connection, or whoever collects them.
 *
 * The hub calls `events` only while `writable` is true, and each call MUST take its batch whole, at once and in order.
 * Whoever was not writable MUST call `Reader.kick` when it is again.
 */
export interface Outlet {
  readonly writable: boolean;
  /** @param wanted the events of the batch that have passed the subscription's filter */
  events(subscription: Subscription, batch: Batch, wanted: readonly Event[]): void;
  gap(subscription: Subscription, gap: GapNotice): void;
  dropped(subscription: Subscription, dropped: DroppedNotice): void;
  /** Once: all that was in the log at the start has been handed over. */
  live(): void;
  /** Once: every topic is closed, or its range has come to its end, and all of it has been handed over; or the page is full. */
  finished(): void;
  /** The topic has been deleted. */
  deleted(subscription: Subscription): void;
  /** A fault that no retry mends. */
  failed(error: unknown): void;
}

/** All subscriptions of one connection, and the loop that moves those which are behind. */
export class Reader {
  readonly hub: Hub;
  readonly outlet: Outlet;
  readonly bounds: Bounds;
  /** What is left of its page; undefined where it reads on. */
  readonly room: Room | undefined;
  /** Sorted by topic: the order of positions in the cursor. */
  readonly subscriptions: readonly Subscription[];
  readonly #prefix: string;
  readonly #watch: RangeWatch | undefined;
  #unfinished: number;
  #lagging = 0;
  #running = false;
  #announced = false;
  #closed = false;

  constructor(hub: Hub, outlet: Outlet, requests: readonly SubscriptionRequest[], bounds: Bounds) {
    this.hub = hub;
    this.outlet = outlet;
    this.bounds = bounds;
    this.room = bounds.page && new Room(bounds.page);
    this.#watch = bounds.atHead || bounds.untilMs !== undefined ? new RangeWatch(this) : undefined;
    this.#unfinished = requests.length;
    const sorted = [...requests].sort((a, b) => (a.topic < b.topic ? -1 : 1));
    this.subscriptions = sorted.map(
      (request) => new Subscription(this, hub.tail(request.topic), request),
    );
    this.#prefix = cursorPrefix(sorted.map(({ topic }) => topic));
  }

  get topics(): Topic[] {
    return this.subscriptions.map(({ topic }) => topic);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** How many of its topics have not come to their end. */
  get unfinished(): number {
    return this.#unfinished;
  }

  /** True where one cursor serves all readers alike, so that frames with their ids can be shared. */
  get single(): boolean {
    return this.subscriptions.length === 1;
  }

  /** The wire cursor; with `moved` standing at `position` rather than where it stands. */
  cursorText(moved?: Subscription, position?: Position): string {
    let text = this.#prefix;
    for (let i = 0; i < this.subscriptions.length; i++) {
      const subscription = this.subscriptions[i]!;
      if (i > 0) text += ",";
      text += formatPosition(subscription === moved && position ? position : subscription.cursor);
    }
    return text;
  }

  /** True once every subscription knows where it stands, so that the cursor means something. */
  get placed(): boolean {
    return this.subscriptions.every(({ state }) => state !== "starting");
  }

  /** Begins to hand events to the outlet, however long the log is away. */
  start(): void {
    void this.#begin().catch((error: unknown) => this.outlet.failed(error));
  }

  async #begin(): Promise<void> {
    for (let pauseMs = PAUSE_MIN_MS; !this.#closed; pauseMs = await pause(pauseMs)) {
      try {
        const unplaced = this.subscriptions.filter(({ state }) => state === "starting");
        await Promise.all(unplaced.map((subscription) => subscription.begin()));
        return this.kick();
      } catch (error) {
        if (!isUnavailable(error)) throw error;
      }
    }
  }

  /**
   * Something can move again: the outlet has drained, or there is something to fetch. It moves once the caller has
   * returned: a tail that is handing out a batch must not meet somebody who has meanwhile caught up with it.
   */
  kick(): void {
    if (this.#running || this.#closed || !this.placed) return;
    this.#running = true;
    void Promise.resolve()
      .then(() => this.#run())
      .catch((error: unknown) => this.outlet.failed(error));
  }

  async #run(): Promise<void> {
    try {
      let pauseMs = PAUSE_MIN_MS;
      let sliceEndsAt = performance.now() + SLICE_MS;
      // Round robin, so that a busy topic does not keep the others from their turn.
      for (let turn = 0; !this.#closed && this.outlet.writable; turn++) {
        const subscription = this.#nextBehind(turn);
        if (!subscription) return this.#rest();
        try {
          const pending = subscription.step();
          if (pending) await pending;
          pauseMs = PAUSE_MIN_MS;
        } catch (error) {
          if (!isUnavailable(error)) throw error;
          pauseMs = await pause(pauseMs);
        }
        if (performance.now() > sliceEndsAt) {
          await turnOfLoop();
          sliceEndsAt = performance.now() + SLICE_MS;
        }
      }
    } finally {
      // In the very tick in which the loop ends, or a kick that comes right after it would be lost.
      this.#running = false;
    }
  }

  #nextBehind(turn: number): Subscription | undefined {
    const count = this.subscriptions.length;
    for (let i = 0; i < count; i++) {
      const subscription = this.subscriptions[(turn + i) % count]!;
      if (subscription.behind) return subscription;
    }
    return undefined;
  }

  /** Nothing is behind. */
  #rest(): void {
    this.#announce();
    this.#watch?.check();
  }

  /** From a subscription, once: it has come to its end. */
  finished(): void {
    this.#unfinished--;
    if (this.#closed || this.#unfinished > 0) return;
    this.#announce();
    if (!this.#closed) this.outlet.finished();
  }

  /** From a subscription: the page is full. */
  filled(): void {
    if (!this.#closed) this.outlet.finished();
  }

  /** From a subscription: it has fallen behind, or does so no longer. */
  lags(change: 1 | -1): void {
    const { metrics } = this.hub;
    metrics.laggingSubscription(change);
    const before = this.#lagging;
    this.#lagging += change;
    if (before === 0 || this.#lagging === 0) metrics.laggingConnection(change);
  }

  #announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    this.outlet.live();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.close();
    for (const subscription of this.subscriptions) subscription.close();
  }
}

/** An absence of the log is waited out: streams stay open through it. */
function isUnavailable(error: unknown): boolean {
  return error instanceof ServiceError && error.code === "log-unavailable";
}

/** Waits about so long, and says how long the next time. */
async function pause(ms: number): Promise<number> {
  await delay(ms * (0.5 + Math.random() / 2), undefined, { ref: false });
  return Math.min(ms * 2, PAUSE_MAX_MS);
}
