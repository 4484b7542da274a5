import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../errors.ts";
import type { Event } from "../log/event.ts";
import { type Doorbell, type EventLog, type Head, NO_HEAD, type Slice } from "../log/event-log.ts";
import { justBefore, ORIGIN, type Position, samePosition } from "../log/position.ts";
import type { Topic } from "../log/topic.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { HealCause, Metrics } from "../telemetry/metrics.ts";
import { type Batch, toBatches } from "./batch.ts";
import { LiveReaders } from "./live-readers.ts";
import { PageReader } from "./page-reader.ts";
import { RecentBatches } from "./recent-batches.ts";
import { Ring, type RingBudget } from "./ring.ts";
import type { Subscription } from "./subscription.ts";
import { Tip } from "./tip.ts";

export interface TailOptions {
  readonly topic: Topic;
  readonly log: EventLog;
  readonly ringCapacity: number;
  readonly budget: RingBudget;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/**
 * The recent events of one active topic in this process, and the subscriptions that read them live.
 *
 * Doorbells may be lost, repeated or late; the log is the truth. An event is accepted only when it joins on to the
 * newest one; otherwise the tail reads on from the log (it heals), once for all its readers.
 */
export class Tail implements AsyncDisposable {
  readonly topic: Topic;
  readonly #options: TailOptions;
  readonly #ring: Ring;
  /** All subscriptions of this process on the topic; the live ones stand at the head; the parked ones wait for growth. */
  readonly #subscriptions = new Set<Subscription>();
  readonly #live: LiveReaders;
  readonly #parked = new Set<Subscription>();
  readonly #recent: RecentBatches;
  /** What comes after a cursor that the ring does not hold. */
  readonly pages: PageReader;
  readonly #abort = new AbortController();
  /** The newest event that has been handed to the live set; the tip is the newest accepted. */
  #head: Head = NO_HEAD;
  readonly #tip = new Tip();
  #arrived: Event[] = [];
  #flushing: NodeJS.Immediate | undefined;
  #follow: AsyncDisposable | undefined;
  #activation: Promise<void> | undefined;
  #active = false;
  #healing: Promise<void> | undefined;
  #again = false;
  /** When it last knew itself to be at the log's head, on the clock of `performance.now()`. */
  checkedAt = 0;
  /** Set when reading the log failed: the next tick of the hub tries again. */
  unsure = false;
  /** Since when nobody has subscribed, on the same clock. */
  idleSince: number | undefined = performance.now();

  constructor(options: TailOptions) {
    this.topic = options.topic;
    this.#options = options;
    this.#live = new LiveReaders(options.metrics);
    this.pages = new PageReader(options.log, options.topic);
    this.#ring = new Ring(options.ringCapacity, options.budget, ORIGIN);
    this.#recent = new RecentBatches(this.#ring);
  }

  get head(): Head {
    return this.#head;
  }

  get newest(): Event | undefined {
    return this.#ring.newest;
  }

  /** What comes after the cursor, as far as the ring knows; undefined where the log must be asked. */
  recent(cursor: Position): Batch | undefined {
    return this.#recent.after(cursor);
  }

  /** The cursor from which the last `count` events come next; undefined where the log must be asked. */
  before(count: number): Position | undefined {
    return this.#ring.before(count);
  }

  /** Resolves once doorbells ring and the head is known, however long the log is away; at once after disposal. */
  ready(): Promise<void> {
    return (this.#activation ??= this.#activate());
  }

  attach(subscription: Subscription): void {
    this.#subscriptions.add(subscription);
    this.idleSince = undefined;
  }

  /**
   * Puts a subscription where its state belongs. Live is the cutover: only one that stands exactly at the head may become
   * it, in the tick in which it has seen so; and never while a batch goes round, which it would be given a second time.
   */
  changed(subscription: Subscription): void {
    const { state } = subscription;
    if (state === "live") this.#live.add(subscription);
    else this.#live.delete(subscription);
    if (state === "parked") this.#parked.add(subscription);
    else this.#parked.delete(subscription);
    if (state !== "ended") return;
    this.#subscriptions.delete(subscription);
    if (this.#subscriptions.size === 0) this.idleSince = performance.now();
  }

  async #activate(): Promise<void> {
    const { log, logger } = this.#options;
    const { signal } = this.#abort;
    for (let pauseMs = 100; !signal.aborted; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      try {
        this.#follow ??= await log.follow(this.topic, this.#onDoorbell);
        const head = await log.head(this.topic);
        if (signal.aborted) break;
        this.#moveTo(head, head.position);
        this.#active = true;
        this.checkedAt = performance.now();
        if (this.#again) await this.heal("missed");
        return;
      } catch (err) {
        if (!(err instanceof ServiceError))
          logger.error({ err, topic: this.topic }, "a topic cannot be followed");
        await delay(pauseMs * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(
          () => undefined,
        );
      }
    }
    await this.#follow?.[Symbol.asyncDispose]();
  }

  readonly #onDoorbell = (doorbell: Doorbell): void => {
    if (doorbell.kind === "deleted") return this.#onDeleted();
    if (!this.#active || this.#healing) {
      // What it brought may be newer than what is being read: read once more.
      this.#again = true;
      return;
    }
    if (doorbell.kind === "unsure") return void this.heal(doorbell.cause);
    let { after } = doorbell;
    for (const event of doorbell.events) {
      if (this.#tip.joins(event, after)) this.#accept(event);
      else if (!this.#knows(event)) return void this.heal("missed");
      after = event.position;
    }
    this.checkedAt = performance.now();
  };

  /** Whether it is a repetition. A promoted replica may give the same number to another event. */
  #knows(event: Event): boolean {
    const { born, position } = this.#tip.head;
    if (event.born !== born || event.position.n > position.n) return false;
    return this.#ring.knows(event) || this.#arrived.some(({ id }) => id === event.id);
  }

  #accept(event: Event): void {
    this.#tip.advance(event);
    this.#arrived.push(event);
    // One immediate for all that arrives in this turn of the loop: a burst costs each reader one write.
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#arrived.length === 0) return;
    const events = this.#arrived;
    this.#arrived = [];
    this.#recent.clear();
    for (const event of events) this.#ring.push(event);
    this.#head = this.#tip.head;
    for (const batch of toBatches(events)) this.#live.offer(batch);
    for (const subscription of this.#parked) subscription.wake();
  }

  /** Reads on from the log until nothing is missing. One at a time; never rejects. */
  heal(cause: HealCause): Promise<void> {
    if (!this.#active) return this.ready();
    if (this.#healing) {
      this.#again = true;
      return this.#healing;
    }
    this.#healing = this.#readOn(cause);
    return this.#healing;
  }

  async #readOn(cause: HealCause): Promise<void> {
    try {
      for (let more = true; more && !this.#abort.signal.aborted;) {
        this.#again = false;
        const tip = this.#tip.head;
        const slice = await this.#options.log.read(this.topic, tip.position, this.pages.limit);
        this.pages.learn(slice.events);
        const moved = this.#tip.head !== tip;
        more = slice.more || this.#again || moved;
        if (!moved) this.#apply(slice, cause);
      }
      this.unsure = false;
      this.checkedAt = performance.now();
    } catch (err) {
      this.unsure = true;
      if (!(err instanceof ServiceError))
        this.#options.logger.error({ err, topic: this.topic }, "healing failed");
    } finally {
      // In the very tick in which the reading ends, or a doorbell that comes right after it would be put off for ever.
      this.#healing = undefined;
    }
  }

  #apply(slice: Slice, cause: HealCause): void {
    if (slice.vacant) this.#vacate();
    else if (slice.retracted) this.#retract(slice.retracted, cause);
    else if (slice.gap) this.#restart(slice.events);
    else for (const event of slice.events) this.#accept(event);
    if (slice.events.length > 0) this.#options.metrics.healed(cause);
    this.#flush();
  }

  /** The log does not join on: the live readers find out from it what they are to be told. */
  #restart(events: readonly Event[]): void {
    const { position, born, last } = events.at(-1)!;
    this.#moveTo({ position, born, closed: last }, justBefore(events[0]!.position));
    for (const event of events) this.#ring.push(event);
    this.#rouse();
  }

  /** The log ends before the newest event here: what is here of that must not be shown to anybody any more. */
  #retract(head: Head, cause: HealCause): void {
    this.#options.metrics.healed(cause);
    this.#options.metrics.retracted();
    this.#moveTo(head, head.position);
    this.#rouse();
  }

  /** What is here is no longer what the log has. */
  #moveTo(head: Head, base: Position): void {
    this.#flush();
    this.#forgetCopies();
    this.#ring.reset(base);
    this.#tip.moveTo(head);
    this.#head = head;
  }

  /**
   * Nobody is at the head any more: each finds its own way there. Those who lag, too: what they would skip by number may
   * not be what they have missed.
   */
  #rouse(): void {
    for (const subscription of this.#subscriptions) subscription.wake();
  }

  /** The topic is gone. Its readers wait where they stand: if it comes back they are told of a reset. */
  #vacate(): void {
    if (samePosition(this.#tip.head.position, ORIGIN)) return;
    this.#moveTo(NO_HEAD, ORIGIN);
    this.#live.strand();
  }

  /** From the hub, now and then: lets go of what was kept for readers who come the same way shortly after one another. */
  expire(now: number): void {
    this.pages.expire(now);
    this.#recent.expire(now);
  }

  #forgetCopies(): void {
    this.pages.clear();
    this.#recent.clear();
  }

  #onDeleted(): void {
    this.#vacate();
    // A Set bears the removals that closing brings.
    for (const subscription of this.#subscriptions)
      subscription.reader.outlet.deleted(subscription);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    clearImmediate(this.#flushing);
    this.#ring.reset(ORIGIN);
    this.#forgetCopies();
    await this.#follow?.[Symbol.asyncDispose]();
  }
}
