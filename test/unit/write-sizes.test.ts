import { afterEach, beforeEach, expect, it } from "vitest";
import { Connection } from "../../src/connections/connection.ts";
import { BATCH_BYTES } from "../../src/hub/batch.ts";
import { Hub } from "../../src/hub/hub.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { parseTopic, type Topic } from "../../src/log/topic.ts";
import { createTopicFormats } from "../../src/routes/topic-formats.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { encodingOf, type Format, type Transport } from "../../src/transports/transport.ts";
import { websocketFormat } from "../../src/transports/websocket-format.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

/** A transport that takes everything and remembers how much at a time. */
function measuring(format: Format): Transport & { readonly sizes: number[] } {
  const sizes: number[] = [];
  return {
    kind: "test",
    encoding: encodingOf(format, (frames) => Buffer.concat(frames)),
    writable: true,
    blockedSince: undefined,
    bytes: 0,
    sizes,
    listen: () => {},
    write: (packed) => sizes.push(packed.length),
    close: () => {},
    destroy: () => {},
  };
}

const { plain, envelope } = createTopicFormats(2_000);
const FORMATS: [string, Format, number][] = [
  ["SSE of one topic", plain.sse, 1],
  ["NDJSON of one topic", plain.ndjson, 1],
  ["SSE of one topic with its name", envelope.sse, 1],
  ["NDJSON of one topic with its name", envelope.ndjson, 1],
  ["a WebSocket", websocketFormat, 1],
  ["SSE of 32 topics", envelope.sse, 32],
  ["NDJSON of 32 topics", envelope.ndjson, 32],
];

let log: MemoryEventLog;
let hub: Hub;
beforeEach(() => {
  const [metrics, logger] = [new Metrics(), createLogger({ level: "silent", pretty: false })];
  log = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
  hub = new Hub({ log, metrics, logger, ringCapacity: 100, ringBytes: 1e6 });
});
afterEach(() => hub[Symbol.asyncDispose]());

it.each(FORMATS)(
  "no write is larger than a batch, whether of the backlog or live: %s",
  verifies("memory"),
  async (_, format, count) => {
    // Names, types and cursors as long as they can be beside the least of data.
    const name = (index: number): Topic =>
      parseTopic(`notifications:user:u${String(index).padEnd(127, "x")}`);
    const topics = Array.from({ length: count }, (_, index) => name(index));
    const drafts = Array.from({ length: 1_000 }, () => ({
      type: "t".padEnd(63, "x"),
      data: "1",
    }));
    const transport = measuring(format);
    const tally = { events: 0 };
    const context = {
      hub,
      heartbeatMs: 1e6,
      stallMs: 1e6,
      tallyOf: () => tally,
      onClosed: () => {},
      onFailed: (_: unknown, error: unknown) => {
        throw error;
      },
    };
    await log.append(topics[0]!, drafts);
    const connection = new Connection(
      context,
      { principal: "p", address: "a" },
      {
        transport,
        subscriptions: topics.map((topic) => ({ topic, start: { kind: "earliest" } as const })),
      },
      Number.POSITIVE_INFINITY,
    );
    connection.start();
    await eventually(() => tally.events === 1_000);
    await log.append(topics.at(-1)!, drafts);
    await eventually(() => tally.events === 2_000);
    connection.close("drain");
    expect(Math.max(...transport.sizes.slice(1))).toBeLessThanOrEqual(BATCH_BYTES);
    expect(Math.max(...transport.sizes.slice(1))).toBeGreaterThan(BATCH_BYTES / 4);
  },
);
