import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Batch } from "../../src/hub/batch.ts";
import { Hub } from "../../src/hub/hub.ts";
import type { Outlet, Reader } from "../../src/hub/reader.ts";
import type { Start } from "../../src/hub/start.ts";
import type { DroppedNotice, GapNotice, Subscription } from "../../src/hub/subscription.ts";
import type { Event } from "../../src/log/event.ts";
import type { Doorbell, EventLog } from "../../src/log/event-log.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { formatPosition, ORIGIN, type Position } from "../../src/log/position.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { parseTopic, type Topic } from "../../src/log/topic.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { eventually } from "../support/wait.ts";

const TOPICS = [parseTopic("app:a"), parseTopic("app:b"), parseTopic("status:c")];
const KEEP = 40;

/** What happens, one after the other, with everything asynchronous free to interleave. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      topic: fc.nat(2),
      count: fc.integer({ min: 1, max: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("attach" as const),
      topics: fc.subarray([0, 1, 2], { minLength: 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("reattach" as const), reader: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("block" as const), reader: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("drain" as const), reader: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("lose" as const),
      bells: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("repeat" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("flush" as const), topic: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("heal" as const), topic: fc.nat(2) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("turn" as const),
      turns: fc.integer({ min: 1, max: 8 }),
    }),
  },
);

/** The memory log with doorbells that can be lost and repeated, and reads that take a while. */
class UnreliableLog {
  readonly inner: MemoryEventLog;
  lose = 0;
  /** Topics whose latest doorbell was lost: nothing but an audit can find what it was about. */
  readonly unheard = new Set<Topic>();
  #last: (() => void) | undefined;
  #slowness: number[];
  #now = 1_000;

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
    const slowly = async <T>(result: () => Promise<T>): Promise<T> => {
      const turns = this.#slowness.shift() ?? 0;
      this.#slowness.push(turns);
      for (let i = 0; i < turns; i++) await turn();
      const value = await result();
      for (let i = 0; i < turns; i++) await turn();
      return value;
    };
    return {
      append: (...args) => inner.append(...args),
      read: (...args) => slowly(() => inner.read(...args)),
      head: (...args) => slowly(() => inner.head(...args)),
      since: (...args) => slowly(() => inner.since(...args)),
      last: (...args) => slowly(() => inner.last(...args)),
      delete: (...args) => inner.delete(...args),
      follow: async (topic, listener) => inner.follow(topic, (bell) => this.#ring(bell, listener)),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
  }

  #ring(bell: Doorbell, listener: (bell: Doorbell) => void): void {
    // A flush is silent: what the memory log tells of a deletion is swallowed.
    if (bell.kind === "deleted") return;
    this.#last = () => listener(bell);
    if (bell.kind !== "events") return;
    const { topic } = bell.events[0]!;
    if (this.lose > 0) {
      this.lose--;
      this.unheard.add(topic);
    } else {
      this.unheard.delete(topic);
      listener(bell);
    }
  }

  repeat(): void {
    this.#last?.();
  }
}

/** A reader that checks each thing it is given against what it has been given before. */
class CheckedReader implements Outlet {
  readonly topics: readonly Topic[];
  writable = true;
  #reader!: Reader;
  readonly #hub: Hub;
  readonly held = new Map<Topic, { position: Position; born: number }>();
  /** What stands between the last event and the next, having been told. */
  readonly #told = new Map<Topic, Position | undefined>();
  readonly failures: unknown[] = [];
  /** Every position seen, over all connections. */
  readonly seen = new Set<string>();

  constructor(hub: Hub, topics: readonly Topic[]) {
    this.#hub = hub;
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
        return { topic, start };
      }),
    );
    this.#reader.start();
  }

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
      events: (subscription, batch) => self.#check(() => self.events(subscription, batch)),
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

  events({ topic }: Subscription, batch: Batch): void {
    expect(this.writable).toBe(true);
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
    }
    expect(this.seen).not.toContain(`${topic} ${event.id}`);
    this.seen.add(`${topic} ${event.id}`);
    this.#told.delete(topic);
    this.held.set(topic, { position: event.position, born: event.born });
  }

  gap({ topic }: Subscription, { from, to, missed, reason }: GapNotice): void {
    const held = this.held.get(topic);
    if (held && !this.#told.has(topic)) expect(from).toEqual(held.position);
    expect(to).toBeDefined();
    if (reason === "trimmed") expect(missed).toBe(to!.n - from!.n - 1);
    else expect(missed).toBeNull();
    this.#told.set(topic, to);
  }

  dropped({ topic }: Subscription, { from, to, count }: DroppedNotice): void {
    expect(topic).toBe("status:c");
    expect(from).toEqual(this.held.get(topic)?.position ?? ORIGIN);
    expect(count).toBe(to.n - from.n - 1);
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

async function readersAtHead(
  log: EventLog,
  readers: readonly CheckedReader[],
  topics: readonly Topic[],
): Promise<boolean> {
  for (const topic of topics) {
    const { position } = await log.head(topic);
    // Of a topic that is gone and has not come back there is nothing to see.
    if (position.n === 0) continue;
    for (const { held, topics: own, failures } of readers) {
      if (failures.length > 0) return true;
      const at = held.get(topic)?.position ?? ORIGIN;
      if (own.includes(topic) && formatPosition(at) !== formatPosition(position)) return false;
    }
  }
  return true;
}

describe("the hub, against a model of what a reader may see", () => {
  it("gives each cursor every event once and in order, or says what it left out, whatever interleaves", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
        fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
        async (steps, slowness) => {
          const unreliable = new UnreliableLog([...slowness]);
          const { log } = unreliable;
          const logger = createLogger({ level: "silent", pretty: false });
          await using hub = new Hub({
            log,
            metrics: new Metrics(),
            logger,
            ringCapacity: 16,
            ringBytes: 1e6,
            auditMs: 1e9,
          });
          const readers: CheckedReader[] = [];
          const readerOf = (index: number) => readers[index % Math.max(1, readers.length)];
          for (const action of steps) {
            switch (action.do) {
              case "publish": {
                const drafts = Array.from({ length: action.count }, (_, i) => ({
                  type: "e",
                  data: String(i),
                }));
                await log.append(TOPICS[action.topic]!, drafts);
                break;
              }
              case "attach":
                if (readers.length < 10)
                  readers.push(
                    new CheckedReader(
                      hub,
                      action.topics.map((index) => TOPICS[index]!),
                    ),
                  );
                break;
              case "reattach":
                readerOf(action.reader)?.connect();
                break;
              case "block":
                if (readerOf(action.reader)) readerOf(action.reader)!.writable = false;
                break;
              case "drain":
                readerOf(action.reader)?.drain();
                break;
              case "lose":
                unreliable.lose = action.bells;
                break;
              case "repeat":
                unreliable.repeat();
                break;
              case "flush":
                await log.delete(TOPICS[action.topic]!);
                break;
              case "heal":
                void hub.tail(TOPICS[action.topic]!).heal("audit");
                break;
              case "turn":
                for (let i = 0; i < action.turns; i++) await turn();
                break;
            }
          }
          unreliable.lose = 0;
          for (const reader of readers) reader.drain();
          const atHead = (topics: readonly Topic[]) =>
            eventually(async () => readersAtHead(log, readers, topics), {
              timeoutMs: 1_000,
              everyMs: 1,
              what: "every reader at the head",
            });
          // A doorbell that was heard must be enough, however many before it were lost.
          await atHead(TOPICS.filter((topic) => !unreliable.unheard.has(topic)));
          await Promise.all(TOPICS.map((topic) => hub.tail(topic).heal("audit")));
          await atHead(TOPICS);
          for (const reader of readers) reader.close();
          expect(readers.flatMap(({ failures }) => failures)).toEqual([]);
        },
      ),
      { numRuns: Number(process.env["PROPERTY_RUNS"] ?? 150) },
    );
  });
});
