import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Chunk, chunkDraft, chunkOf } from "../../src/chat/chunk.ts";
import { mergeDeltas } from "../../src/chat/projections/merge-deltas.ts";
import { chatNdjsonFormat, chatSseFormat } from "../../src/chat/projections/ndjson.ts";
import { uiMessageFormat } from "../../src/chat/projections/ui-message.ts";
import { BATCH_BYTES } from "../../src/hub/batch.ts";
import { Hub } from "../../src/hub/hub.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { tryPosition } from "../../src/log/position.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { chatTopic } from "../../src/log/topic.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import type { Format } from "../../src/transports/transport.ts";
import { ConnectionBytes } from "../support/connection-bytes.ts";
import { eventsOf, GENERATION } from "../support/generation-log.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const topic = chatTopic(GENERATION);
const [metrics, logger] = [new Metrics(), createLogger({ level: "silent", pretty: false })];

/** A hub on a log of its own, whose ring is too small for most answers. */
class Bench implements AsyncDisposable {
  readonly log = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
  readonly hub = new Hub({ log: this.log, metrics, logger, ringCapacity: 8, ringBytes: 1e6 });

  async append(chunks: readonly Chunk[], close: boolean): Promise<void> {
    if (chunks.length > 0) await this.log.append(topic, chunks.map(chunkDraft), { close });
  }

  read(format: Format, cursor?: string, merged = false): ConnectionBytes {
    const position = cursor === undefined ? undefined : tryPosition(cursor);
    const start = position
      ? ({ kind: "cursor", position } as const)
      : { kind: "earliest" as const };
    return new ConnectionBytes(this.hub, format, { topic, start }, { merged });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]();
    await this.log[Symbol.asyncDispose]();
  }
}

const word = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("\n", "\r\n\r\n", "data: ", "id: 7", "[DONE]", '"}', "你好", "👩‍👩‍👧", ""),
);
const block = fc.oneof(
  fc.record({
    kind: fc.constantFrom("text", "reasoning"),
    words: fc.array(word, { maxLength: 9 }),
  }),
  fc.record({ kind: fc.constant("tool"), words: fc.array(word, { minLength: 1, maxLength: 4 }) }),
);

/** Whole answers: blocks of text, reasoning and calls, perhaps with a request to stop, ending in any way. */
const answer: fc.Arbitrary<Chunk[]> = fc
  .tuple(
    fc.array(block, { maxLength: 4 }),
    fc.constantFrom("stop", "error", "stopped", "abandoned"),
    fc.option(fc.nat(20)),
  )
  .map(([blocks, finishReason, stopAt]) => {
    const said = blocks.flatMap(({ kind, words }, index): Chunk[] => {
      const id = `${kind}-${index}`;
      if (kind !== "tool") {
        const type = kind;
        return [
          { type: `${type}-start`, id },
          ...words.map((delta): Chunk => ({ type: `${type}-delta`, id, delta })),
          { type: `${type}-end`, id },
        ];
      }
      const call = { toolCallId: id, toolName: "look" };
      return [
        { type: "tool-input-start", ...call, index },
        ...words.map((text): Chunk => ({
          type: "tool-input-delta",
          toolCallId: id,
          inputTextDelta: text,
          index,
        })),
        { type: "tool-input-available", ...call, input: words.join("") },
      ];
    });
    const error: Chunk = { type: "error", errorText: "no", code: "model-failed", retryable: true };
    const chunks: Chunk[] = [
      { type: "start", messageId: GENERATION, model: "demo", owner: "ada" },
      { type: "start-step" },
      ...said,
      { type: "finish-step" },
      ...(finishReason === "error"
        ? [error]
        : finishReason !== "stop"
          ? [{ type: "abort" } as const]
          : []),
      { type: "finish", finishReason, usage: { inputTokens: 1, outputTokens: 2 } },
    ];
    if (stopAt !== null) chunks.splice(1 + (stopAt % (chunks.length - 1)), 0, { type: "stop" });
    return chunks;
  });

/** What a client has kept of the bytes before a cut: whole frames, and the position of the last of them. */
function kept(bytes: Buffer, frameEnd: string): { whole: Buffer; cursor: string | undefined } {
  const end = bytes.lastIndexOf(frameEnd);
  const whole = bytes.subarray(0, end < 0 ? 0 : end + frameEnd.length);
  const ids = [...whole.toString("utf8").matchAll(/^(?:id: (?:\S+:)?|\{"id":")(\d+-\d+)/gm)];
  return { whole, cursor: ids.at(-1)?.[1] };
}

const FORMATS: [string, Format, string][] = [
  ["UI messages", uiMessageFormat, "\n\n"],
  ["NDJSON", chatNdjsonFormat, "\n"],
  ["SSE", chatSseFormat, "\n\n"],
];

describe.each(FORMATS)("an answer as %s", (_, format, frameEnd) => {
  it(
    "cut at any byte and resumed by position, has the bytes of an uncut read",
    verifies("chat-cuts"),
    async () => {
      await fc.assert(
        fc.asyncProperty(answer, fc.nat(), fc.nat(), async (chunks, cutAt, splitAt) => {
          await using bench = new Bench();
          // The uncut reader is there from the beginning, and sees it live.
          const uncut = bench.read(format);
          const split = splitAt % chunks.length;
          await bench.append(chunks.slice(0, split), false);
          await bench.append(chunks.slice(split), true);
          expect((await uncut.closed).reason).toBe("finished");
          const whole = uncut.bytes;

          const cut = kept(whole.subarray(0, cutAt % (whole.length + 1)), frameEnd);
          const rest = bench.read(format, cut.cursor);
          await rest.closed;
          const atEnd = cut.cursor !== undefined && cut.cursor === kept(whole, frameEnd).cursor;
          if (atEnd) expect(rest.bytes).toHaveLength(0);
          else
            expect(Buffer.concat([cut.whole, rest.bytes]).toString("utf8")).toBe(
              whole.toString("utf8"),
            );
        }),
        { numRuns: 150 },
      );
    },
  );

  it(
    "read late, comes in merged pieces until it is live, says the same, and resumes from any piece",
    verifies("late-readers"),
    async () => {
      await fc.assert(
        fc.asyncProperty(answer, fc.nat(), fc.nat(), async (chunks, lateAt, cutAt) => {
          await using bench = new Bench();
          const late = lateAt % chunks.length;
          await bench.append(chunks.slice(0, late), false);
          const [plain, merged] = [bench.read(format), bench.read(format, undefined, true)];
          await eventually(() => plain.isLive && merged.isLive);
          const [soFar, mergedSoFar] = [plain.bytes, merged.bytes];
          await bench.append(chunks.slice(late), true);
          await Promise.all([plain.closed, merged.closed]);
          // From `live` on there is no difference.
          expect(merged.bytes.subarray(mergedSoFar.length)).toEqual(
            plain.bytes.subarray(soFar.length),
          );
          expect(saidIn(mergedSoFar)).toBe(saidIn(soFar));
          const pieces = framesOf(mergedSoFar, frameEnd).length;
          expect(pieces).toBe(
            mergeDeltas(eventsOf(chunks.slice(0, late))).filter((event) =>
              format.event(event, event.id),
            ).length,
          );
          // Wherever it is cut, what follows a piece is what follows its last event.
          const cut = kept(merged.bytes.subarray(0, cutAt % (merged.bytes.length + 1)), frameEnd);
          const rest = bench.read(format, cut.cursor);
          await rest.closed;
          if (cut.cursor !== kept(merged.bytes, frameEnd).cursor)
            expect(saidIn(Buffer.concat([cut.whole, rest.bytes]))).toBe(saidIn(plain.bytes));
        }),
        { numRuns: 100 },
      );
    },
  );
});

/** All that the frames say, put together: which frames they came in makes no difference. */
function saidIn(bytes: Buffer): string {
  return [...bytes.toString("utf8").matchAll(/^(?:data: )?(\{.*\})$/gm)]
    .map(([, json]) => JSON.parse(json!) as Record<string, unknown>)
    .map(({ id, type, toolCallId, token, delta, inputTextDelta, ...rest }) => {
      const text = token ?? delta ?? inputTextDelta;
      // An NDJSON line's id is its position; a chunk's is its block.
      return typeof text === "string" ? text : JSON.stringify([type, type && id, toolCallId, rest]);
    })
    .join("");
}

function framesOf(bytes: Buffer, frameEnd: string): string[] {
  return bytes
    .toString("utf8")
    .split(frameEnd)
    .filter((frame) => frame !== "");
}

describe("merged deltas", () => {
  it(
    "are of one block each, and stand where their last one stood",
    verifies("late-readers"),
    () => {
      const [text, thought] = ["text-delta", "reasoning-delta"] as const;
      const call = (toolCallId: string, inputTextDelta: string): Chunk => {
        return { type: "tool-input-delta", toolCallId, inputTextDelta, index: 0 };
      };
      const events = eventsOf([
        { type: text, id: "a", delta: "1" },
        { type: text, id: "a", delta: "2" },
        { type: text, id: "b", delta: "3" },
        { type: thought, id: "b", delta: "4" },
        { type: thought, id: "b", delta: "5" },
        call("x", "6"),
        call("y", "7"),
        call("y", "8"),
      ]);
      const merged = mergeDeltas(events);
      expect(merged.map(chunkOf)).toEqual([
        { type: text, id: "a", delta: "12" },
        { type: text, id: "b", delta: "3" },
        { type: thought, id: "b", delta: "45" },
        call("x", "6"),
        call("y", "78"),
      ]);
      expect(merged.map(({ position }) => position.n)).toEqual([2, 3, 5, 6, 8]);
      expect(merged.map(({ last }) => last)).toEqual([false, false, false, false, true]);
    },
  );

  it(
    "are no larger than a batch, however long the answer is",
    verifies("late-readers"),
    async () => {
      await using bench = new Bench();
      const delta = "x".repeat(1_000);
      const chunks: Chunk[] = [
        { type: "text-start", id: "txt-0" },
        ...Array.from({ length: 500 }, (): Chunk => ({ type: "text-delta", id: "txt-0", delta })),
        { type: "finish", finishReason: "stop", usage: { inputTokens: 1, outputTokens: 500 } },
      ];
      await bench.append(chunks, true);
      const late = bench.read(uiMessageFormat, undefined, true);
      await late.closed;
      const frames = framesOf(late.bytes, "\n\n");
      expect(frames.length).toBeLessThan(30);
      for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(BATCH_BYTES);
      expect(saidIn(late.bytes)).toContain(delta.repeat(500));
    },
  );
});
