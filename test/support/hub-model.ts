import { setImmediate as turn } from "node:timers/promises";
import { expect } from "vitest";
import type { Batch } from "../../src/hub/batch.ts";
import type { Hub } from "../../src/hub/hub.ts";
import type { Outlet, Reader } from "../../src/hub/reader.ts";
import type { Start } from "../../src/hub/start.ts";
import type { DroppedNotice, GapNotice } from "../../src/hub/notices.ts";
import type { Subscription } from "../../src/hub/subscription.ts";
import type { Event } from "../../src/log/event.ts";
import type { Doorbell, EventLog } from "../../src/log/event-log.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { formatPosition, ORIGIN, type Position } from "../../src/log/position.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import type { Topic } from "../../src/log/topic.ts";

/** Events that a topic keeps: few, so that readers meet trimmed history. */
const KEEP = 40;

/** The memory log with doorbells that can be lost and repeated, and reads that take a while. */
export class UnreliableLog {
  readonly inner: MemoryEventLog;
  lose = 0;
  /** Topics whose latest doorbell was lost: nothing but an audit can find what it was about. */
  readonly unheard = new Set<Topic>();
  #last: (() => void) | undefined;
  #slowness: number[];
  #now = 1_000;
  /** All events of each topic's incarnation, trimmed or not, as they stand. */
  readonly #history = new Map<Topic, Position[]>();
  /** The event that each event was appended behind; ORIGIN for the first. */
  readonly #parents = new Map<string, Position>();
  readonly #listeners = new Map<Topic, (bell: Doorbell) => void>();

  constructor(slowness: number[]) {
    this.#slowness = slowness;
    const retention = {
      ...DEFAULT_RETENTION,
      app: { count: KEEP, idleMs: 0 },
      status: { count: KEEP, idleMs: 0 },
    };
    // A clock that moves with each look keeps incarnations apart, as real time does.
    this.inner = new MemoryEventLog({ retention, maxBytes: 1e9, now: () => this.#now++ });
  }

  get log(): EventLog {
    const { inner } = this;
    const append: EventLog["append"] = async (topic, drafts, options) => {
      const appended = await inner.append(topic, drafts, options);
      const history = this.#history.get(topic) ?? [];
      for (let i = 0; i < appended.count; i++) {
        const position = { ms: appended.first.ms, n: appended.first.n + i };
        this.#parents.set(idOf(topic, position), history.at(-1) ?? ORIGIN);
        history.push(position);
      }
      this.#history.set(topic, history);
      return appended;
    };
    const slowly = async <T>(result: () => Promise<T>): Promise<T> => {
      const turns = this.#slowness.shift() ?? 0;
      this.#slowness.push(turns);
      for (let i = 0; i < turns; i++) await turn();
      const value = await result();
      for (let i = 0; i < turns; i++) await turn();
      return value;
    };
    return {
      append,
      read: (...args) => slowly(() => inner.read(...args)),
      now: () => slowly(() => inner.now()),
      head: (...args) => slowly(() => inner.head(...args)),
      since: (...args) => slowly(() => inner.since(...args)),
      last: (...args) => slowly(() => inner.last(...args)),
      delete: (topic) => {
        this.#history.delete(topic);
        return inner.delete(topic);
      },
      follow: async (topic, listener) => {
        this.#listeners.set(topic, listener);
        return inner.follow(topic, (bell) => this.#ring(bell, listener));
      },
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  }

  #ring(bell: Doorbell, listener: (bell: Doorbell) => void): void {
    // A flush is silent: what the memory log tells of a deletion is swallowed.
    if (bell.kind === "deleted") return;
    if (bell.kind !== "events") return;
    const { topic } = bell.events[0]!;
    // What a rollback writes again is not news.
    if (this.#rewriting.has(topic)) return;
    this.#last = () => listener(bell);
    if (this.lose > 0) {
      this.lose--;
      this.unheard.add(topic);
    } else {
      this.unheard.delete(topic);
      listener(bell);
    }
  }

  readonly #rewriting = new Set<Topic>();

  /**
   * A failover to a replica that lacks the last `count` events: they are gone, and their numbers are issued anew. All in
   * one turn, as it is for readers. @param noticed whether the follow connection breaks, and says so
   */
  async rollback(topic: Topic, count: number, noticed: boolean): Promise<void> {
    const history = this.#history.get(topic) ?? [];
    const kept = history.slice(0, -count);
    if (kept.length === 0) return;
    this.#history.set(topic, kept);
    this.#rewriting.add(topic);
    const now = this.#now;
    const rewritten = [this.inner.delete(topic)] as Promise<unknown>[];
    for (const { ms } of kept) {
      this.#now = ms;
      rewritten.push(this.inner.append(topic, [{ type: "e", data: "0" }]));
    }
    this.#now = now;
    await Promise.all(rewritten);
    this.#rewriting.delete(topic);
    if (!noticed) return void this.unheard.add(topic);
    // Over the new connection nothing of the old master comes again.
    this.#last = undefined;
    this.#listeners.get(topic)?.({ kind: "unsure", cause: "reconnect" });
  }

  /** The event right before the one that stands here, as it was appended. */
  parentOf(topic: Topic, position: Position): Position | undefined {
    return this.#parents.get(idOf(topic, position));
  }

  repeat(): void {
    this.#last?.();
  }
}

const idOf = (topic: Topic, position: Position): string => `${topic} ${formatPosition(position)}`;

/** How long a filter may keep the process, and more. */
const TIRING_MS = 10;

/** The process' clock, which filters make go faster: they tire where they would have to be slow. */
export class HurriedClock implements Disposable {
  readonly #now = performance.now.bind(performance);
  #aheadMs = 0;

  constructor() {
    performance.now = () => this.#now() + this.#aheadMs;
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
  }

  [Symbol.dispose](): void {
    performance.now = this.#now;
  }
}

/** How a reader reads. */
export interface Manner {
  readonly overflow: "lag" | "drop";
  /** Whether it wants only every other event. */
  readonly filters: boolean;
}

const isWanted = (event: Event): boolean => event.position.n % 2 === 0;

/** A reader that checks each thing it is given against what it has been given before. */
export class CheckedReader implements Outlet {
  readonly topics: readonly Topic[];
  writable = true;
  #reader!: Reader;
  readonly #hub: Hub;
  readonly #log: UnreliableLog;
  readonly #clock: HurriedClock;
  readonly #manner: Manner;
  /** Events after which its filter tires, once. */
  tiresAfter = Number.POSITIVE_INFINITY;
  readonly held = new Map<Topic, { position: Position; born: number }>();
  /** What stands between the last event and the next, having been told. */
  readonly #told = new Map<Topic, Position | undefined>();
  readonly failures: unknown[] = [];
  /** Every position seen, over all connections. */
  readonly seen = new Set<string>();

  constructor(
    hub: Hub,
    log: UnreliableLog,
    clock: HurriedClock,
    topics: readonly Topic[],
    manner: Manner,
  ) {
    this.#hub = hub;
    this.#log = log;
    this.#clock = clock;
    this.#manner = manner;
    this.topics = topics;
    this.connect();
  }

  /** Comes back with what it holds, as over another connection. */
  connect(): void {
    this.#reader?.close();
    this.writable = true;
    this.#reader = this.#hub.read(
      this.#current(),
      this.topics.map((topic) => {
        const held = this.held.get(topic);
        const start: Start = held
          ? { kind: "cursor", position: held.position }
          : { kind: "earliest" };
        const { overflow, filters } = this.#manner;
        return { topic, start, overflow, filter: filters ? this.#filter : undefined };
      }),
    );
    this.#reader.start();
  }

  readonly #filter = (event: Event): boolean => {
    if (this.tiresAfter-- === 0) this.#clock.advance(TIRING_MS);
    return isWanted(event);
  };

  /** An outlet that goes deaf when the next connection is made. */
  #current(): Outlet {
    const self = this;
    let reader: Reader | undefined;
    queueMicrotask(() => (reader = self.#reader));
    const mine = () => reader === undefined || reader === self.#reader;
    return {
      get writable() {
        return self.writable && mine();
      },
      events: (subscription, batch, wanted) =>
        self.#check(() => self.events(subscription, batch, wanted)),
      gap: (subscription, notice) => self.#check(() => self.gap(subscription, notice)),
      dropped: (subscription, notice) => self.#check(() => self.dropped(subscription, notice)),
      live: () => {},
      finished: () => {},
      deleted: () => {},
      failed: (error) => self.failed(error),
    };
  }

  /** Keeps what is wrong for the end of the run: thrown here, it would be lost in the hub's own turns. */
  #check(verify: () => void): void {
    try {
      verify();
    } catch (error) {
      this.failures.push(error);
    }
  }

  drain(): void {
    this.writable = true;
    this.#reader.kick();
  }

  events({ topic }: Subscription, batch: Batch, wanted: readonly Event[]): void {
    expect(this.writable).toBe(true);
    expect(wanted).toEqual(this.#manner.filters ? batch.events.filter(isWanted) : batch.events);
    for (const event of batch.events) this.#event(topic, event);
  }

  #event(topic: Topic, event: Event): void {
    const held = this.held.get(topic);
    const told = this.#told.get(topic);
    if (told) expect(event.position).toEqual(told);
    else if (held && held.position.n > 0) {
      expect({ born: event.born, n: event.position.n }).toEqual({
        born: held.born,
        n: held.position.n + 1,
      });
      // Numbers are issued twice: what stands before it is what the reader must have had.
      expect(this.#log.parentOf(topic, event.position)).toEqual(held.position);
    }
    expect(this.seen).not.toContain(`${topic} ${event.id}`);
    this.seen.add(`${topic} ${event.id}`);
    this.#told.delete(topic);
    this.held.set(topic, { position: event.position, born: event.born });
  }

  gap({ topic, cursor }: Subscription, { from, to, missed, reason }: GapNotice): void {
    const held = this.held.get(topic);
    if (held && !this.#told.has(topic)) expect(from).toEqual(held.position);
    if (!to) {
      // Taken back: it goes on behind the log's last event, with which it holds all that there is.
      expect({ missed, reason }).toEqual({ missed: null, reason: "reset" });
      this.#told.delete(topic);
      this.held.set(topic, { position: cursor, born: held!.born });
      return;
    }
    if (reason === "trimmed") expect(missed).toBe(to.n - from!.n - 1);
    else expect(missed).toBeNull();
    this.#told.set(topic, to);
  }

  dropped({ topic }: Subscription, { from, to, count }: DroppedNotice): void {
    if (this.#manner.overflow === "lag") expect(topic).toBe("status:c");
    expect(from).toEqual(this.held.get(topic)?.position ?? ORIGIN);
    expect(count).toBe(to.n - from.n - 1);
    let before: Position | undefined = to;
    for (let i = 0; i <= count && before; i++) before = this.#log.parentOf(topic, before);
    if (!this.#told.has(topic)) expect(before).toEqual(from);
    this.#told.set(topic, to);
  }

  live(): void {}
  finished(): void {}
  deleted(): void {}

  failed(error: unknown): void {
    this.failures.push(error);
  }

  close(): void {
    this.#reader.close();
  }
}
