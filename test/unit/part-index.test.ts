import { describe, expect, it } from "vitest";
import { type Chunk, chunkDraft } from "../../src/chat/chunk.ts";
import { locatePart } from "../../src/chat/part-index.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { chatTopic } from "../../src/log/topic.ts";
import { GENERATION, WHOLE } from "../support/generation-log.ts";
import { verifies } from "../support/verifies.ts";

const topic = chatTopic(GENERATION);

/** The types of what a reader is given who starts at `startIndex`. */
async function from(startIndex: number, chunks: readonly Chunk[], close: boolean) {
  await using log = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
  await log.append(topic, chunks.map(chunkDraft), { close });
  const { after, tailIndex } = await locatePart(log, topic, startIndex);
  const { events, gap } = await log.read(topic, after, { events: 1e6, bytes: 1e9 });
  expect(gap).toBeUndefined();
  return { types: events.map(({ type }) => type).filter((type) => type !== "stop"), tailIndex };
}

/** What is a part: a request to stop is none. */
const PARTS = WHOLE.map(({ type }) => type).filter((type) => type !== "stop");

describe("the index of a part", () => {
  it("counts parts, from either end, and no more than parts", verifies("ui-cursor"), async () => {
    for (let index = 0; index < PARTS.length; index++) {
      expect((await from(index, WHOLE, true)).types).toEqual(PARTS.slice(index));
      const fromEnd = await from(index - PARTS.length, WHOLE, true);
      expect(fromEnd).toEqual({ types: PARTS.slice(index), tailIndex: PARTS.length - 1 });
    }
    expect((await from(-100, WHOLE, true)).types).toEqual(PARTS);
    expect((await from(0, WHOLE, true)).tailIndex).toBeUndefined();
  });

  it(
    "past the end of a closed answer is its last part again, and of an open one what comes",
    verifies("ui-cursor"),
    async () => {
      for (const index of [PARTS.length, 1_000])
        expect((await from(index, WHOLE, true)).types).toEqual(["finish"]);
      const open = WHOLE.slice(0, -1);
      expect((await from(PARTS.length - 1, open, false)).types).toEqual([]);
      expect((await from(PARTS.length - 2, open, false)).types).toEqual(["finish-step"]);
    },
  );

  it("is found behind any number of pages", verifies("ui-cursor"), async () => {
    const many = Array.from({ length: 2_000 }, (): Chunk => {
      return { type: "text-delta", id: "txt-0", delta: "x".repeat(300) };
    });
    expect((await from(1_500, [...many, { type: "finish-step" }], true)).types).toHaveLength(501);
  });

  it("is looked for on so many pages and no more", verifies("ui-cursor"), async () => {
    await using log = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
    const many = Array.from({ length: 2_000 }, (): Chunk => {
      return { type: "text-delta", id: "txt-0", delta: "x" };
    });
    await log.append(topic, many.map(chunkDraft));
    expect(await locatePart(log, topic, 1_000, 2)).toMatchObject({ after: { n: 1_000 } });
    for (const startIndex of [1_500, -1])
      await expect(locatePart(log, topic, startIndex, 2)).rejects.toMatchObject({
        code: "invalid-parameter",
        field: "startIndex",
      });
  });
});
