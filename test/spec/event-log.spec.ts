import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Event } from "../../src/log/event.ts";
import type { Doorbell, EventLog } from "../../src/log/event-log.ts";
import { justBefore, ORIGIN, type Position } from "../../src/log/position.ts";
import { parseTopic, type Topic } from "../../src/log/topic.ts";
import { eventually } from "../support/wait.ts";
import { eventLogAppendSpec } from "./event-log-append.spec.ts";
import { drafts, type EventLogFixture, LIMIT, texts } from "./event-log-fixture.ts";

/** The law of the EventLog port. `make` gives a log that keeps 100 events of `app` topics and never trims `chat`. */
export function eventLogSpec(make: () => Promise<EventLogFixture>): void {
  describe("its appends", () => eventLogAppendSpec(make));
  describe("its readers", () => eventLogReadSpec(make));
}

function eventLogReadSpec(make: () => Promise<EventLogFixture>): void {
  let fixture: EventLogFixture;
  let log: EventLog;
  let topic: Topic;
  let serial = 0;

  beforeEach(async () => {
    fixture = await make();
    ({ log } = fixture);
    topic = parseTopic(`app:spec-${++serial}`);
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  const all = async (name = topic) => (await log.read(name, "earliest", LIMIT)).events;
  const fill = async (count: number, name = topic) => {
    for (let i = 1; i <= count; i++) await log.append(name, drafts(`e${i}`));
    return all(name);
  };

  describe("read", () => {
    it("returns nothing and says so where the topic has never been published to", async () => {
      expect(await log.read(topic, "earliest", LIMIT)).toMatchObject({
        events: [],
        vacant: true,
        gap: undefined,
      });
      expect(await log.read(topic, { ms: 5, n: 5 }, LIMIT)).toMatchObject({
        events: [],
        vacant: true,
        gap: undefined,
      });
    });

    it("goes on strictly after the cursor", async () => {
      const events = await fill(5);
      const slice = await log.read(topic, events[1]!.position, LIMIT);
      expect(texts(slice.events)).toEqual(["e3", "e4", "e5"]);
      expect(slice.gap).toBeUndefined();
      expect((await log.read(topic, events[4]!.position, LIMIT)).events).toEqual([]);
    });

    it("keeps to the limits, with at least one event, and says that there is more", async () => {
      await log.append(topic, drafts("x".repeat(500), "y".repeat(500), "z"));
      expect((await log.read(topic, "earliest", { events: 2, bytes: 10_000 })).events).toHaveLength(
        2,
      );
      const small = await log.read(topic, "earliest", { events: 10, bytes: 100 });
      expect(small.events).toHaveLength(1);
      expect(small.more).toBe(true);
    });

    it("returns data exactly, whatever is in it", async () => {
      const rubbish = [
        "\r\n",
        "\u2028\u2029",
        "\u0000",
        "\ufeff",
        "👩‍👩‍👧",
        "data: x\n\nid: 1",
        "é".repeat(9_000),
        '"\\',
      ];
      await log.append(topic, drafts(...rubbish));
      expect(texts(await all())).toEqual(rubbish);
    });

    it("tells trimmed history with the exact number missed, and goes on at the first entry", async () => {
      const old = await fill(3);
      for (let i = 0; i < 40; i++)
        await log.append(topic, drafts(...Array.from({ length: 10 }, (_, j) => `f${i}.${j}`)));
      const [first] = (await log.read(topic, "earliest", { events: 1, bytes: 1 })).events;
      expect(first!.position.n).toBeGreaterThan(4);
      const slice = await log.read(topic, old[2]!.position, LIMIT);
      expect(slice.events[0]).toEqual(first);
      expect(slice.gap).toEqual({ reason: "trimmed", missed: first!.position.n - 4 });
      expect((await log.read(topic, ORIGIN, LIMIT)).gap).toEqual({
        reason: "trimmed",
        missed: first!.position.n - 1,
      });
      expect((await log.read(topic, "earliest", LIMIT)).gap).toBeUndefined();
    });

    it("keeps at least as many events as the retention says", async () => {
      for (let i = 0; i < 30; i++)
        await log.append(topic, drafts(...Array.from({ length: 10 }, () => "x")));
      expect((await all()).length).toBeGreaterThanOrEqual(100);
    });

    it("never trims a generation", async () => {
      const chat = parseTopic(`chat:spec-${serial}`);
      for (let i = 0; i < 50; i++)
        await log.append(chat, drafts(...Array.from({ length: 10 }, () => "x")));
      expect((await log.read(chat, "earliest", LIMIT)).events).toHaveLength(500);
    });

    it("joins the cursor that stands just before an event, where no event is", async () => {
      const events = await fill(3);
      for (const event of events) {
        const slice = await log.read(topic, justBefore(event.position), LIMIT);
        expect(slice.gap).toBeUndefined();
        expect(slice.events[0]).toEqual(event);
      }
    });

    it("tells a reset when the topic has been deleted and published to anew", async () => {
      const old = await fill(3);
      await log.delete(topic);
      await clockPast(old[2]!.position);
      await fill(3);
      const slice = await log.read(topic, old[2]!.position, LIMIT);
      expect(slice.gap).toEqual({ reason: "reset", missed: null });
      expect(slice.events.map(({ position }) => position.n)).toEqual([1, 2, 3]);
    });

    it("tells a reset after a flush, also when the new incarnation has just as many events", async () => {
      const old = await fill(4);
      await fixture.flush();
      await clockPast(old[3]!.position);
      await fill(4);
      const slice = await log.read(topic, old[3]!.position, LIMIT);
      expect(slice.gap).toEqual({ reason: "reset", missed: null });
      expect(texts(slice.events)).toEqual(["e1", "e2", "e3", "e4"]);
    });

    it("tells a cursor beyond the end that what it has seen was taken back, and gives nothing twice", async () => {
      await fill(2);
      await log.append(topic, drafts("e3"), { close: true });
      const slice = await log.read(topic, { ms: Date.now() + 1_000_000, n: 77 }, LIMIT);
      expect(slice).toMatchObject({ events: [], gap: undefined, more: false, vacant: false });
      expect(slice.retracted).toEqual(await log.head(topic));
      expect(slice.retracted?.closed).toBe(true);
    });

    it("tells a reset where the clock has run backwards, and reads from the earliest", async () => {
      await fill(2);
      const slice = await log.read(topic, { ms: Date.now() + 1_000_000, n: 1 }, LIMIT);
      expect(slice.gap).toEqual({ reason: "reset", missed: null });
      expect(texts(slice.events)).toEqual(["e1", "e2"]);
    });

    it("tells a reset where the cursor's number stands for another event, and goes on after the cursor", async () => {
      const [first] = await fill(1);
      await clockPast({ ms: first!.position.ms + 1, n: 0 });
      await log.append(topic, drafts("reissued"));
      // As after a failover that took the reader's last event back: number 2 existed once, at an earlier ms.
      const slice = await log.read(topic, { ms: first!.position.ms + 1, n: 2 }, LIMIT);
      expect(slice.gap).toEqual({ reason: "reset", missed: null });
      expect(texts(slice.events)).toEqual(["reissued"]);
    });
  });

  describe("head, since and last", () => {
    it("know an empty topic", async () => {
      expect(await log.head(topic)).toEqual({ position: ORIGIN, born: 0, closed: false });
      expect(await log.since(topic, 0)).toEqual(ORIGIN);
      expect(await log.last(topic, 10)).toEqual(ORIGIN);
    });

    it("count back from where the log has ended a moment ago, whatever has come since", async () => {
      const events = await fill(10);
      const [fifth, tenth] = [events[4]!.position, events[9]!.position];
      for (const [count, upTo, first] of [
        [3, fifth, "e3"],
        [50, fifth, "e1"],
        [1, tenth, "e10"],
        [0, fifth, "e6"],
      ] as const) {
        const slice = await log.read(topic, await log.last(topic, count, upTo), LIMIT);
        expect([texts(slice.events)[0], slice.gap]).toEqual([first, undefined]);
      }
      const gone = { ms: events[0]!.position.ms - 1, n: 7 };
      expect(await log.last(topic, 3, gone)).toEqual(gone);
      expect(await log.last(topic, 3, ORIGIN)).toEqual(ORIGIN);
    });

    it("give cursors from which the wanted events come next, without a gap", async () => {
      const events = await fill(10);
      const after = async (position: Position) => {
        const slice = await log.read(topic, position, LIMIT);
        expect(slice.gap).toBeUndefined();
        return texts(slice.events);
      };
      expect(await after(await log.last(topic, 3))).toEqual(["e8", "e9", "e10"]);
      expect(await after(await log.last(topic, 50))).toHaveLength(10);
      expect(await after(await log.last(topic, 0))).toEqual([]);
      expect(await after(await log.since(topic, 0))).toHaveLength(10);
      expect(await after(await log.since(topic, Date.now() + 60_000))).toEqual([]);
      const { ms } = events[5]!.position;
      const wanted = events.filter(({ position }) => position.ms >= ms).length;
      expect(await after(await log.since(topic, ms))).toHaveLength(wanted);
      expect(await log.head(topic)).toEqual({
        position: events[9]!.position,
        born: events[0]!.born,
        closed: false,
      });
    });
  });

  describe("now", () => {
    it("is not behind what is in the log, nor ahead of what comes next", async () => {
      for (let i = 0; i < 20; i++) {
        const { first } = await log.append(topic, drafts("x"));
        const now = await log.now(topic);
        expect(now).toBeGreaterThanOrEqual(first.ms);
        expect((await log.append(topic, drafts("y"))).first.ms).toBeGreaterThanOrEqual(now);
      }
      expect(Number.isInteger(await log.now(topic))).toBe(true);
    });
  });

  describe("follow", () => {
    it("rings with the events, in order, after they are stored, until it is disposed", async () => {
      const heard: Event[] = [];
      const unread: number[] = [];
      const listener = async (bell: Doorbell) => {
        if (bell.kind !== "events") return;
        expect(bell.after).toEqual(heard.at(-1)?.position ?? ORIGIN);
        heard.push(...bell.events);
        const { events } = await log.read(topic, justBefore(bell.events[0]!.position), LIMIT);
        if (events.length < bell.events.length) unread.push(bell.events[0]!.position.n);
      };
      const following = await log.follow(topic, (bell) => void listener(bell));
      await fill(5);
      await log.append(topic, drafts("👋\nwith: colons 1 2", "last"), { close: true });
      await eventually(() => heard.length === 7);
      expect(heard).toEqual(await all());
      expect(unread).toEqual([]);
      await following[Symbol.asyncDispose]();
      const other = parseTopic(`app:spec-${serial}-other`);
      let late = 0;
      await using _ = await log.follow(other, () => late++);
      await log.append(other, drafts("x"));
      await eventually(() => late >= 1);
      expect(heard).toHaveLength(7);
    });

    it("rings for a large batch too, with or without its events", async () => {
      let rung = 0;
      await using _ = await log.follow(topic, () => rung++);
      await log.append(topic, drafts("x".repeat(100_000)));
      await eventually(() => rung >= 1);
      expect(await all()).toHaveLength(1);
    });

    it("tells of a deletion", async () => {
      const kinds: string[] = [];
      await fill(1);
      await using _ = await log.follow(topic, ({ kind }) => kinds.push(kind));
      await log.delete(topic);
      await eventually(() => kinds.includes("deleted"));
      expect(await log.read(topic, "earliest", LIMIT)).toMatchObject({ vacant: true });
    });
  });
}

/** Waits until the clock has passed a position, so that what is appended next is told apart from it. */
async function clockPast({ ms }: Position): Promise<void> {
  await eventually(() => Date.now() > ms + 1);
}
