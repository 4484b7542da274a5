import type { Event } from "../log/event.ts";
import type { GapReason } from "../log/event-log.ts";
import { justBefore, ORIGIN, type Position, samePosition } from "../log/position.ts";
import { kindOf, type Topic } from "../log/topic.ts";
import { Batch } from "./batch.ts";
import type { Reader } from "./reader.ts";
import { resolveStart, type Start } from "./start.ts";
import type { Page } from "./page-reader.ts";
import type { Tail } from "./tail.ts";

/** What stands in the place of events that cannot be had. */
export interface GapNotice {
  /** The last position held; undefined where the cursor could not be read. */
  readonly from: Position | undefined;
  /** The first position delivered after it; undefined where there is none yet. */
  readonly to: Position | undefined;
  /** Exact, or null where nobody can know. */
  readonly missed: number | null;
  readonly reason: GapReason;
}

/** What a latest-only reader has been spared. */
export interface DroppedNotice {
  readonly from: Position;
  readonly to: Position;
  readonly count: number;
}

export interface SubscriptionRequest {
  readonly topic: Topic;
  readonly start: Start;
  /** True where a cursor was shown that cannot be used: a gap is told, then `start` holds. */
  readonly unusableCursor?: boolean;
  /** Events that the reader wants; undefined = all. The cursor moves over the others. */
  readonly filter?: ((event: Event) => boolean) | undefined;
}

/**
 * starting → catching-up → live ⇄ lagging; `parked` stands at a place of an incarnation that is gone, and waits.
 * Only a live one is handed events by its tail; the others fetch them, from the ring or the log, as they can take them.
 */
export type SubscriptionState = "starting" | "catching-up" | "live" | "lagging" | "parked";

/** One cursor of one connection on one topic. */
export class Subscription {
  readonly topic: Topic;
  readonly reader: Reader;
  readonly filter: ((event: Event) => boolean) | undefined;
  readonly #tail: Tail;
  readonly #start: Start;
  /** Only the newest counts to whoever has fallen behind. */
  readonly #latestOnly: boolean;
  #unusableCursor: boolean;
  /** True until it is known how a reader who showed a cursor fares. */
  #resuming: boolean;
  #state: SubscriptionState = "starting";
  #cursor: Position = ORIGIN;

  constructor(reader: Reader, tail: Tail, request: SubscriptionRequest) {
    this.topic = request.topic;
    this.reader = reader;
    this.filter = request.filter;
    this.#tail = tail;
    this.#start = request.start;
    this.#latestOnly = kindOf(request.topic) === "status";
    this.#unusableCursor = request.unusableCursor ?? false;
    this.#resuming = request.start.kind === "cursor" || this.#unusableCursor;
    tail.attach(this);
  }

  get cursor(): Position {
    return this.#cursor;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** True while it has events to fetch. */
  get behind(): boolean {
    return this.#state === "catching-up" || this.#state === "lagging";
  }

  /** Finds out where to begin. */
  async begin(): Promise<void> {
    await this.#tail.ready();
    this.#cursor = await resolveStart(this.reader.hub.log, this.#tail, this.#start);
    this.#state = "catching-up";
  }

  /** From the tail, to a live one: takes the batch, or falls behind. */
  offer(batch: Batch): boolean {
    if (!this.reader.outlet.writable) {
      this.#setState("lagging");
      return false;
    }
    this.#deliver(batch);
    return true;
  }

  /** From the tail: what it stood at is no more, or there is something to fetch again. */
  wake(): void {
    this.#setState("catching-up");
    this.reader.kick();
  }

  /** From the tail: the topic is gone. */
  strand(): void {
    this.#setState("parked");
  }

  /** Moves on by one batch, or to live. Only the reader's loop calls it, and only while the outlet is writable. */
  step(): Promise<void> | undefined {
    const { head } = this.#tail;
    if (samePosition(this.#cursor, head.position)) {
      this.#tellUnusable(undefined);
      this.#countResume("joined");
      this.#setState("live");
      this.#tail.goLive(this);
      if (head.closed) this.reader.outlet.finished(this);
      return undefined;
    }
    if (this.#latestOnly && this.#state === "lagging" && this.#skipToNewest()) return undefined;
    const batch = this.#tail.recent(this.#cursor);
    if (!batch) return this.#fetch();
    this.#deliver(batch);
    return undefined;
  }

  #skipToNewest(): boolean {
    const { head, newest } = this.#tail;
    const count = head.position.n - this.#cursor.n - 1;
    if (!newest || this.#cursor.ms < head.born || count < 1) return false;
    const from = this.#cursor;
    this.#cursor = justBefore(newest.position);
    this.reader.outlet.dropped(this, { from, to: newest.position, count });
    this.#deliver(new Batch([newest]));
    return true;
  }

  async #fetch(): Promise<void> {
    const page = await this.#tail.pages.read(this.#cursor);
    if (this.reader.closed || !this.behind) return;
    if (page.batches.length === 0) return this.#settle(page);
    this.#tellGap(page);
    if (this.reader.closed) return;
    for (const batch of page.batches) {
      if (!this.reader.outlet.writable || this.reader.closed) return;
      this.#deliver(batch);
    }
  }

  /** Nothing comes after the cursor, which is not the tail's head: one of the two is behind the times. */
  async #settle(page: Page): Promise<void> {
    if (!page.vacant) await this.#tail.heal("missed");
    if (this.reader.closed || !this.behind || samePosition(this.#cursor, this.#tail.head.position))
      return;
    if (page.vacant && this.#tail.head.position.n > 0) await this.#tail.heal("missed");
    if (this.reader.closed || this.#tail.head.position.n > 0) return;
    this.#tellUnusable(undefined);
    this.#setState("parked");
    this.#tail.park(this);
  }

  #tellGap(page: Page): void {
    if (!page.gap) return;
    const to = page.batches[0]!.events[0]!.position;
    const from = this.#cursor;
    this.#cursor = justBefore(to);
    this.#gap({ from, to, missed: page.gap.missed, reason: page.gap.reason });
  }

  #gap(notice: GapNotice): void {
    this.#countResume("gap");
    this.reader.hub.metrics.gap(notice.reason);
    this.reader.outlet.gap(this, notice);
  }

  #countResume(result: "joined" | "gap"): void {
    if (!this.#resuming) return;
    this.#resuming = false;
    this.reader.hub.metrics.resumed(result);
  }

  #tellUnusable(to: Position | undefined): void {
    if (!this.#unusableCursor) return;
    this.#unusableCursor = false;
    this.#gap({ from: undefined, to, missed: null, reason: "reset" });
  }

  #deliver(batch: Batch): void {
    this.#tellUnusable(batch.events[0]!.position);
    this.#countResume("joined");
    this.reader.outlet.events(this, batch);
    this.#cursor = batch.end;
    if (batch.last) this.reader.outlet.finished(this);
  }

  #setState(state: SubscriptionState): void {
    const { metrics } = this.reader.hub;
    if (state === "lagging" && this.#state !== "lagging") metrics.lagging(1);
    if (state !== "lagging" && this.#state === "lagging") metrics.lagging(-1);
    this.#state = state;
  }

  close(): void {
    this.#setState("parked");
    this.#tail.detach(this);
  }
}
