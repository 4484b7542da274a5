import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Hub } from "../../src/hub/hub.ts";
import { parseTopic } from "../../src/log/topic.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { Collector } from "../support/collector.ts";
import { UnreliableLog } from "../support/hub-model.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const topic = parseTopic("app:a");
const drafts = (...data: number[]) => data.map((n) => ({ type: "tick", data: String(n) }));
const earliest = { topic, start: { kind: "earliest" } } as const;

describe("a reader whose range has an end", () => {
  let unreliable: UnreliableLog;
  let hub: Hub;
  beforeEach(() => {
    unreliable = new UnreliableLog([0]);
    hub = new Hub({
      log: unreliable.log,
      metrics: new Metrics(),
      logger: createLogger({ level: "silent", pretty: false }),
      ringCapacity: 16,
      ringBytes: 1e6,
      auditMs: 1e9,
    });
  });
  afterEach(() => hub[Symbol.asyncDispose]());

  /** Makes the topic's tail active. */
  const warm = async () => {
    const reader = new Collector(hub, [{ topic, start: { kind: "latest" } }]);
    await eventually(() => reader.isLive);
    return reader;
  };

  it(
    "is given what is in the log though this process has not heard of it",
    verifies("ranges"),
    async () => {
      await warm();
      unreliable.lose = 1;
      await unreliable.log.append(topic, drafts(1, 2, 3));
      const reader = new Collector(hub, [earliest], { atHead: true });
      await eventually(() => reader.isFinished);
      expect(reader.data).toEqual([1, 2, 3]);
      expect([reader.isLive, reader.reader.unfinished, reader.gaps]).toEqual([true, 0, []]);
    },
  );

  it("ends at what was the newest when it began", verifies("ranges"), async () => {
    const other = await warm();
    await unreliable.log.append(topic, drafts(1, 2, 3));
    await eventually(() => other.taken.length === 3);
    const reader = new Collector(hub, [earliest], { atHead: true });
    reader.writable = false;
    await eventually(() => reader.reader.placed);
    await unreliable.log.append(topic, drafts(4, 5));
    await eventually(() => other.taken.length === 5);
    reader.writable = true;
    reader.reader.kick();
    await eventually(() => reader.isFinished);
    expect(reader.data).toEqual([1, 2, 3]);
  });

  it("has its last events, though more come while it begins", verifies("ranges"), async () => {
    await warm();
    // The tail has not heard of these, so the log is asked for the last of them, and has grown by then.
    unreliable.lose = 2;
    await unreliable.log.append(topic, drafts(1, 2, 3, 4));
    const head = unreliable.inner.head.bind(unreliable.inner);
    unreliable.inner.head = async (...args) => {
      const found = await head(...args);
      unreliable.inner.head = head;
      await unreliable.log.append(topic, drafts(5, 6, 7));
      return found;
    };
    const start = { kind: "tail", count: 2 } as const;
    const reader = new Collector(hub, [{ topic, start }], { atHead: true });
    await eventually(() => reader.isFinished);
    expect(reader.data).toEqual([3, 4]);
  });

  it("ends by the log's clock, whatever this process' own says", verifies("ranges"), async () => {
    await unreliable.log.append(topic, drafts(1));
    // Long past by the process' clock; by the log's, which moves by 1 ms with each look at it, it is still to come.
    const untilMs = (await unreliable.log.now(topic)) + 40;
    const reader = new Collector(hub, [earliest], { untilMs });
    await eventually(() => reader.isLive);
    expect(reader.isFinished).toBe(false);
    unreliable.lose = 1;
    await unreliable.log.append(topic, drafts(2));
    while ((await unreliable.log.now(topic)) < untilMs);
    unreliable.lose = 1;
    await unreliable.log.append(topic, drafts(3));
    await eventually(() => reader.isFinished);
    expect(reader.data).toEqual([1, 2]);
  });

  it("ends before a position, which another reader was given", verifies("ranges"), async () => {
    await unreliable.log.append(topic, drafts(1, 2, 3, 4));
    const all = new Collector(hub, [earliest], { atHead: true });
    await eventually(() => all.isFinished);
    const [first, , , fourth] = all.taken;
    const start = { kind: "cursor", position: first!.position } as const;
    const reader = new Collector(hub, [{ topic, start, before: fourth!.position }]);
    await eventually(() => reader.isFinished);
    expect(reader.data).toEqual([2, 3]);
    const nothing = new Collector(hub, [{ topic, start, before: first!.position }]);
    await eventually(() => nothing.isFinished);
    expect(nothing.data).toEqual([]);
  });

  it(
    "is told that the topic is gone, where no later event will tell it",
    verifies("ranges"),
    async () => {
      await unreliable.log.append(topic, drafts(1, 2));
      const all = new Collector(hub, [earliest], { atHead: true });
      await eventually(() => all.isFinished);
      const from = all.taken[1]!.position;
      await unreliable.log.delete(topic);
      const start = { kind: "cursor", position: from } as const;
      const reader = new Collector(hub, [{ topic, start }], { atHead: true });
      await eventually(() => reader.isFinished);
      expect(reader.gaps).toEqual([{ from, to: undefined, missed: null, reason: "reset" }]);
      // It has been told: what comes is not told of once more.
      const cursor = reader.reader.subscriptions[0]!.cursor;
      await unreliable.log.append(topic, drafts(7));
      const again = new Collector(hub, [{ topic, start: { kind: "cursor", position: cursor } }], {
        atHead: true,
      });
      await eventually(() => again.isFinished);
      expect([again.data, again.gaps]).toEqual([[7], []]);
    },
  );

  it(
    "is given all of its range where it has fallen behind and the newest is beyond it",
    verifies("ranges", "overflow"),
    async () => {
      const other = await warm();
      const reader = new Collector(hub, [{ ...earliest, overflow: "drop" }], { untilMs: 2_000 });
      await eventually(() => reader.isLive);
      const publish = async (...data: number[]) => {
        await unreliable.log.append(topic, drafts(...data));
        await eventually(() => other.data.at(-1) === data.at(-1));
      };
      await publish(1);
      reader.writable = false;
      await publish(2, 3, 4);
      // Moves the log's clock on.
      while ((await unreliable.log.now(topic)) < 2_000);
      await publish(5, 6);
      reader.writable = true;
      reader.reader.kick();
      await eventually(() => reader.isFinished);
      expect([reader.data, reader.drops]).toEqual([[1, 2, 3, 4], []]);
    },
  );

  it("is done only when each of its topics is", verifies("ranges"), async () => {
    const topics = ["app:a", "app:b", "app:c"].map((name) => parseTopic(name));
    for (const each of topics) await unreliable.log.append(each, drafts(1, 2));
    const reader = new Collector(
      hub,
      topics.map((each) => ({ topic: each, start: { kind: "earliest" } as const })),
      { atHead: true },
    );
    await eventually(() => reader.isFinished);
    expect(reader.data).toHaveLength(6);
    await unreliable.log.append(topics[0]!, drafts(3), { close: true });
    const both = new Collector(
      hub,
      [topics[0]!, topics[1]!].map((each) => ({
        topic: each,
        start: { kind: "earliest" } as const,
      })),
    );
    await eventually(() => both.taken.length === 5);
    expect([both.isFinished, both.reader.unfinished]).toEqual([false, 1]);
    await unreliable.log.append(topics[1]!, drafts(3), { close: true });
    await eventually(() => both.isFinished);
  });
});
