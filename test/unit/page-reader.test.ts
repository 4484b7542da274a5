import { describe, expect, it } from "vitest";
import { BATCH_BYTES } from "../../src/hub/batch.ts";
import { PageReader } from "../../src/hub/page-reader.ts";
import type { EventLog, ReadLimit } from "../../src/log/event-log.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { ORIGIN, samePosition } from "../../src/log/position.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { parseTopic } from "../../src/log/topic.ts";
import { verifies } from "../support/verifies.ts";

const topic = parseTopic("app:a");

/** Replays `count` events of `bytes` each. @returns bytes of data that a log limited by number only would have sent */
async function replay(count: number, bytes: number): Promise<{ read: number; pages: number }> {
  const inner = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
  const drafts = Array.from({ length: count }, () => ({
    type: "tick",
    data: JSON.stringify("x".repeat(bytes - 2)),
  }));
  await inner.append(topic, drafts);
  const limits: ReadLimit[] = [];
  const read: EventLog["read"] = (at, after, limit) => {
    limits.push(limit);
    return inner.read(at, after, limit);
  };
  const log = { read } as EventLog;
  const pages = new PageReader(log, topic);
  const { position } = await inner.head(topic);
  for (let cursor = ORIGIN; !samePosition(cursor, position);)
    cursor = (await pages.read(cursor)).batches.at(-1)!.end;
  await inner[Symbol.asyncDispose]();
  return {
    read: limits.reduce((sum, { events }) => sum + events * bytes, 0),
    pages: limits.length,
  };
}

describe("a replay, page by page", () => {
  it("reads about what it delivers where events are large", verifies("page-size"), async () => {
    const { read } = await replay(100, 200_000);
    expect(read).toBeLessThan(2 * 100 * 200_000);
  });

  it("reads pages of a batch where events are small", verifies("page-size"), async () => {
    const { read, pages } = await replay(2_000, 200);
    expect(pages).toBeLessThan(2 * Math.ceil((2_000 * 350) / BATCH_BYTES));
    expect(read).toBeLessThan(2 * 2_000 * 200);
  });

  it("reads the last page once for all who come the same way", verifies("page-size"), async () => {
    const inner = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
    await inner.append(topic, [{ type: "tick", data: "1" }]);
    let reads = 0;
    const read: EventLog["read"] = (...args) => {
      reads++;
      return inner.read(...args);
    };
    const pages = new PageReader({ read } as EventLog, topic);
    const first = await pages.read(ORIGIN);
    expect(await pages.read(ORIGIN)).toBe(first);
    expect(reads).toBe(1);
    // Where nothing is, something may come.
    const { end } = first.batches[0]!;
    await pages.read(end);
    await inner.append(topic, [{ type: "tick", data: "2" }]);
    expect((await pages.read(end)).batches).toHaveLength(1);
    await inner[Symbol.asyncDispose]();
  });
});
