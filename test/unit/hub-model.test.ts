import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Hub } from "../../src/hub/hub.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { formatPosition, ORIGIN } from "../../src/log/position.ts";
import { parseTopic, type Topic } from "../../src/log/topic.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { CheckedReader, HurriedClock, UnreliableLog } from "../support/hub-model.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const TOPICS = [parseTopic("app:a"), parseTopic("app:b"), parseTopic("status:c")];

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
      overflow: fc.constantFrom("lag" as const, "drop" as const),
      filters: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("reattach" as const), reader: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("tire" as const),
      reader: fc.nat(9),
      after: fc.nat(12),
    }),
  },
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
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("rollback" as const),
      topic: fc.nat(2),
      count: fc.integer({ min: 1, max: 20 }),
      noticed: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("heal" as const), topic: fc.nat(2) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("turn" as const),
      turns: fc.integer({ min: 1, max: 8 }),
    }),
  },
);

/** A reader fetches from the log what its tail has not heard of: skipping to the tail's newest would lead it back. */
const OUTRUN_TAIL: [(typeof step extends fc.Arbitrary<infer T> ? T : never)[], number[]] = [
  [
    { do: "attach", topics: [0, 1], overflow: "drop", filters: false },
    { do: "turn", turns: 3 },
    { do: "publish", topic: 0, count: 7 },
    { do: "block", reader: 0 },
    { do: "publish", topic: 0, count: 10 },
    { do: "flush", topic: 0 },
    { do: "turn", turns: 1 },
    { do: "turn", turns: 1 },
    { do: "publish", topic: 0, count: 1 },
    { do: "attach", topics: [1], overflow: "lag", filters: false },
    { do: "publish", topic: 0, count: 1 },
  ],
  [0, 1, 0],
];

/** A filter that tires in the midst of a batch, of which the reader has then taken all before the tail is done with it. */
const TIRED_LIVE: typeof OUTRUN_TAIL = [
  [
    { do: "attach", topics: [0], overflow: "lag", filters: true },
    { do: "turn", turns: 8 },
    { do: "tire", reader: 0, after: 0 },
    { do: "publish", topic: 0, count: 2 },
    { do: "turn", turns: 8 },
    { do: "publish", topic: 0, count: 1 },
  ],
  [0],
];

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
  it(
    "gives each cursor every event once and in order, or says what it left out, whatever interleaves",
    verifies("model"),
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
          fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
          async (steps, slowness) => {
            const unreliable = new UnreliableLog([...slowness]);
            const { log } = unreliable;
            using clock = new HurriedClock();
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
                        unreliable,
                        clock,
                        action.topics.map((index) => TOPICS[index]!),
                        action,
                      ),
                    );
                  break;
                case "reattach":
                  readerOf(action.reader)?.connect();
                  break;
                case "tire":
                  if (readerOf(action.reader)) readerOf(action.reader)!.tiresAfter = action.after;
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
                case "rollback":
                  await unreliable.rollback(TOPICS[action.topic]!, action.count, action.noticed);
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
            for (const reader of readers) {
              reader.tiresAfter = Number.POSITIVE_INFINITY;
              reader.drain();
            }
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
        {
          examples: [OUTRUN_TAIL, TIRED_LIVE],
          numRuns: Number(process.env["PROPERTY_RUNS"] ?? 150),
        },
      );
    },
  );
});
