import { logUnavailable } from "../errors.ts";
import type { Event } from "../log/event.ts";
import {
  comparePositions,
  justBefore,
  ORIGIN,
  type Position,
  samePosition,
} from "../log/position.ts";
import { kindOf, type Topic } from "../log/topic.ts";
import type { CountedGap } from "../telemetry/metrics.ts";
import { Batch, POSITION_BYTES } from "./batch.ts";
import { type End, isBeyond, isReached } from "./bounds.ts";
import { select, type SelectionRules } from "./selection.ts";
import type { GapNotice } from "./notices.ts";
import type { Reader } from "./reader.ts";
import { resolveStart, type Start } from "./start.ts";
import type { Page } from "./page-reader.ts";
import type { Tail } from "./tail.ts";

export interface SubscriptionRequest {
  readonly topic: Topic;
  readonly start: Start;
  /** True where a cursor was shown that cannot be used: a gap is told, then `start` holds. */
  readonly unusableCursor?: boolean;
  /** Events that the reader wants; undefined = all. The cursor moves over the others. */
  readonly filter?: ((event: Event) => boolean) | undefined;
  /** The reader is done with the first event that stands here or after it, which is not handed over. */
  readonly before?: Position | undefined;
  /** What a reader who has fallen behind is given: all that is missing (the default), or only the newest. */
  readonly overflow?: "lag" | "drop" | undefined;
}

/**
 * starting → catching-up → live ⇄ lagging; `parked` stands at a place of an incarnation that is gone, and waits; `ended`
 * has handed over all that there will be, or all that was asked for, or its reader is gone.
 * Only a live one is handed events by its tail; the others fetch them, from the ring or the log, as they can take them.
 * The tail is told of every change, so that whoever is in a state also gets what that state waits for.
 */
export type SubscriptionState =
  | "starting"
  | "catching-up"
  | "live"
  | "lagging"
  | "parked"
  | "ended";

/** One cursor of one connection on one topic. */
export class Subscription {
  readonly topic: Topic;
  readonly reader: Reader;
  readonly #filter: ((event: Event) => boolean) | undefined;
  readonly #tail: Tail;
  readonly #start: Start;
  /** Only the newest counts to whoever has fallen behind. */
  readonly #latestOnly: boolean;
  #unusableCursor: boolean;
  /** True until it is known how a reader who showed a cursor fares. */
  #resuming: boolean;
  #state: SubscriptionState = "starting";
  #cursor: Position = ORIGIN;
  #end: End;
  /** Undefined of a reader who takes every batch as it is. */
  #rules: SelectionRules | undefined;

  constructor(reader: Reader, tail: Tail, request: SubscriptionRequest) {
    this.topic = request.topic;
    this.reader = reader;
    this.#filter = request.filter;
    this.#tail = tail;
    this.#start = request.start;
    this.#latestOnly = kindOf(request.topic) === "status" || request.overflow === "drop";
    this.#end = { untilMs: reader.bounds.untilMs, before: request.before };
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
    const { log } = this.reader.hub;
    const head = this.reader.bounds.atHead ? (await log.head(this.topic)).position : undefined;
    this.#cursor = await resolveStart(log, this.#tail, this.#start, head);
    if (head && head.n > 0) this.#end = { ...this.#end, last: head };
    this.#rules = this.#makeRules();
    this.#setState("catching-up");
  }

  #makeRules(): SelectionRules | undefined {
    const { room, subscriptions } = this.reader;
    const bounded = Object.values(this.#end).some((bound) => bound !== undefined);
    if (!this.#filter && !room && !bounded && subscriptions.length === 1) return undefined;
    return {
      filter: this.#filter,
      end: bounded ? this.#end : undefined,
      room,
      surchargeBytes: (subscriptions.length - 1) * POSITION_BYTES,
    };
  }

  /** From the tail, to a live one: takes the batch whole (true), or falls behind. */
  offer(batch: Batch): boolean {
    const { outlet } = this.reader;
    if (outlet.writable && this.#deliver(batch)) return true;
    // What is left is fetched: when the outlet has drained, or, where only the filter has had enough, in its next turn.
    if (outlet.writable) this.wake();
    else this.#setState("lagging");
    return false;
  }

  /** From the tail: what it stood at is no more, or there is something to fetch again. */
  wake(): void {
    if (this.#state === "ended" || this.#state === "starting") return;
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
    const atHead = samePosition(this.#cursor, head.position);
    if (isReached(this.#end, this.#cursor) || (atHead && head.closed)) {
      this.#finish();
      return undefined;
    }
    if (atHead) {
      this.#tellUnusable(undefined);
      this.#countResume("joined");
      this.#setState("live");
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
    // The log may be ahead of the tail, in another life of the topic with smaller numbers: that way lies the past.
    if (comparePositions(this.#cursor, newest.position) > 0) return false;
    // It is not for this reader, who would be told of a hole and given nothing on its other side.
    if (isBeyond(this.#end, newest)) return false;
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
      if (!this.reader.outlet.writable || !this.behind || this.reader.closed) return;
      if (!this.#deliver(batch)) return;
    }
  }

  /** Nothing comes after the cursor, which is not the tail's head: one of the two is behind the times. */
  async #settle(page: Page): Promise<void> {
    if (page.retracted) return this.#stepBack(page.retracted.position);
    if (!page.vacant) await this.#tail.heal("missed");
    if (this.reader.closed || !this.behind || samePosition(this.#cursor, this.#tail.head.position))
      return;
    if (page.vacant && this.#tail.head.position.n > 0) await this.#tail.heal("missed");
    if (this.reader.closed || this.#tail.head.position.n > 0) return;
    this.#tellUnusable(undefined);
    this.#setState("parked");
  }

  /** What was last delivered has been taken back. It is told at once, and reading goes on from where the log ends. */
  async #stepBack(end: Position): Promise<void> {
    // The tail first: its ring may still hold what is gone, and so may pages, of which it need not have heard.
    this.#tail.pages.clear();
    await this.#tail.heal("missed");
    if (this.reader.closed || !this.behind) return;
    if (this.#tail.unsure) throw logUnavailable(undefined);
    const from = this.#cursor;
    this.#cursor = end;
    this.#gap({ from, to: undefined, missed: null, reason: "reset" });
  }

  #tellGap(page: Page): void {
    if (!page.gap) return;
    const to = page.batches[0]!.events[0]!.position;
    const from = this.#cursor;
    this.#cursor = justBefore(to);
    this.#gap({ from, to, missed: page.gap.missed, reason: page.gap.reason });
  }

  #gap(notice: GapNotice, counted: CountedGap = notice.reason): void {
    this.#countResume(counted);
    this.reader.hub.metrics.gap(counted);
    this.reader.outlet.gap(this, notice);
  }

  #countResume(result: "joined" | CountedGap): void {
    if (!this.#resuming) return;
    this.#resuming = false;
    this.reader.hub.metrics.resumed(result);
  }

  #tellUnusable(to: Position | undefined): void {
    if (!this.#unusableCursor) return;
    this.#unusableCursor = false;
    this.#gap({ from: undefined, to, missed: null, reason: "reset" }, "unusable");
  }

  /** Hands over as much as the reader takes for now; false where something is left. */
  #deliver(batch: Batch): boolean {
    if (this.#rules) return this.#deliverSelected(batch, this.#rules);
    this.#hand(batch, batch.events);
    if (batch.last) this.#finish();
    return true;
  }

  #deliverSelected(whole: Batch, rules: SelectionRules): boolean {
    for (let rest = whole; ;) {
      const { batch, wanted, ended, tired } = select(rest, rules);
      if (batch) this.#hand(batch, wanted);
      if (this.reader.closed) return true;
      if (ended || batch?.last || isReached(this.#end, this.#cursor)) this.#finish();
      else if (rules.room?.full) this.reader.filled();
      else if (batch && batch !== rest) {
        if (tired || !this.reader.outlet.writable) return false;
        rest = new Batch(rest.events.slice(batch.events.length));
        continue;
      }
      return true;
    }
  }

  #hand(batch: Batch, wanted: readonly Event[]): void {
    this.#tellUnusable(batch.events[0]!.position);
    this.#countResume("joined");
    this.#cursor = batch.end;
    this.reader.outlet.events(this, batch, wanted);
  }

  /** From the watch over the reader's range: ends it if the log has no more, else brings the tail up to the log. */
  async conclude(): Promise<void> {
    const head = await this.reader.hub.log.head(this.topic);
    const waits = this.#state === "live" || this.#state === "parked";
    if (this.reader.closed || !waits) return;
    if (samePosition(head.position, this.#cursor)) return this.#finish();
    if (head.position.n > 0) return this.#tail.heal("missed");
    // There will be no event before which a gap could be told.
    this.#gap({ from: this.#cursor, to: undefined, missed: null, reason: "reset" });
    this.#cursor = ORIGIN;
    this.#finish();
  }

  #finish(): void {
    if (this.#state === "ended") return;
    this.#tellUnusable(undefined);
    this.#countResume("joined");
    this.#setState("ended");
    this.reader.finished();
  }

  /** The only way in and out of the tail's sets: a state without its set would be deaf, and nothing would notice. */
  #setState(state: SubscriptionState): void {
    if (this.#state === "ended") return;
    if (state === "lagging" && this.#state !== "lagging") this.reader.lags(1);
    if (state !== "lagging" && this.#state === "lagging") this.reader.lags(-1);
    this.#state = state;
    this.#tail.changed(this);
  }

  close(): void {
    this.#setState("ended");
  }
}
