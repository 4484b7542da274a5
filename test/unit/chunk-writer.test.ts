import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Chunk, chunkDraft } from "../../src/chat/chunk.ts";
import { isDelta, textOf } from "../../src/chat/delta.ts";
import { ChunkWriter } from "../../src/chat/generation/chunk-writer.ts";
import { chatNdjsonFormat, chatSseFormat } from "../../src/chat/projections/ndjson.ts";
import { createCompletionFormat } from "../../src/chat/projections/openai.ts";
import { chatTextFormat } from "../../src/chat/projections/text.ts";
import { uiMessageFormat } from "../../src/chat/projections/ui-message.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { chatTopic } from "../../src/log/topic.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const TOPIC = chatTopic("gen-1");
const delta = (text: string): Chunk => ({ type: "text-delta", id: "t", delta: text });

/** Keeps what each append carried. */
class RecordingLog extends MemoryEventLog {
  readonly appends: string[][] = [];

  override append(...args: Parameters<MemoryEventLog["append"]>) {
    this.appends.push(args[1].map(({ type }) => type));
    return super.append(...args);
  }
}

async function startWriter() {
  const log = new RecordingLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
  await log.append(TOPIC, [
    chunkDraft({ type: "start", messageId: "m", model: "demo", owner: "anonymous" }),
  ]);
  const hurry = new AbortController().signal;
  const metrics = new Metrics();
  const writer = new ChunkWriter({ log, metrics, topic: TOPIC, fence: 1, hurry });
  const events = async () =>
    (await log.read(TOPIC, "earliest", { events: 100, bytes: 1e6 })).events;
  const deltas = async (): Promise<string[]> =>
    (await events())
      .map(({ data }) => JSON.parse(data) as Chunk)
      .flatMap((chunk) => (chunk.type === "text-delta" ? [chunk.delta] : []));
  return { log, writer, events, deltas };
}

test(
  "the first token waits for nothing, whatever has been said before it",
  verifies("chat"),
  async () => {
    const { writer, deltas } = await startWriter();
    writer.write({ type: "start-step" });
    writer.write({ type: "text-start", id: "t" });
    await turn();
    writer.write(delta("first"));
    // Turns of the loop, and no time: far fewer than a merge waits for.
    for (let i = 0; i < 3; i++) await turn();
    expect(await deltas()).toEqual(["first"]);
  },
);

test("the first token is in the first append, with what frames it", verifies("chat"), async () => {
  const { log, writer } = await startWriter();
  writer.write({ type: "text-start", id: "t" });
  writer.write(delta("first"));
  await eventually(() => log.appends.length > 1);
  expect(log.appends.slice(1)).toEqual([["text-start", "text-delta"]]);
  await writer.end({ type: "text-end", id: "t" }, { type: "finish", finishReason: "stop" });
  expect(log.appends.slice(2)).toEqual([["text-end", "finish"]]);
});

test("tokens right behind another are merged into one entry", verifies("chat"), async () => {
  const { writer, deltas } = await startWriter();
  writer.write(delta("a"));
  await turn();
  for (const text of ["b", "c", "d"]) {
    writer.write(delta(text));
    await turn();
  }
  await eventually(async () => (await deltas()).length > 1);
  expect(await deltas()).toEqual(["a", "bcd"]);
});

const FORMATS = [
  chatTextFormat,
  chatNdjsonFormat,
  chatSseFormat,
  uiMessageFormat,
  createCompletionFormat({ includeUsage: false }),
];

test.each(FORMATS.map((format) => [`${format.contentType} ${format.name}`, format] as const))(
  "a character that comes in two halves is whole in %s",
  verifies("chat-characters"),
  async (_, format) => {
    const { writer, events } = await startWriter();
    for (const half of ["a\ud83d", "\ude00b"]) {
      writer.write(delta(half));
      for (let i = 0; i < 3; i++) await turn();
    }
    await writer.end({ type: "text-end", id: "t" }, { type: "finish", finishReason: "stop" });
    const shown = (await events()).map((event) => format.event(event, event.id)?.toString("utf8"));
    const text = shown.join("");
    expect(text).toContain("😀b");
    expect(text).not.toMatch(/\ufffd|\\ud83d/);
  },
);

test(
  "whatever a model says is written to the letter, and no character in halves",
  verifies("chat-characters"),
  async () => {
    const words = fc.array(
      fc.tuple(
        fc.constantFrom("r", "t", "call"),
        fc.array(fc.constantFrom("a", "\ud83d", "\ude00", "é"), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
      ),
      { maxLength: 12 },
    );
    const chunkIn = (block: string, text: string): Chunk =>
      block === "call"
        ? { type: "tool-input-delta", toolCallId: block, inputTextDelta: text, index: 0 }
        : { type: block === "t" ? "text-delta" : "reasoning-delta", id: block, delta: text };
    await fc.assert(
      fc.asyncProperty(words, async (list) => {
        const { writer, events } = await startWriter();
        const said: Record<string, string> = {};
        for (const [block, units, pause] of list) {
          said[block] = (said[block] ?? "") + units.join("");
          writer.write(chunkIn(block, units.join("")));
          if (pause) await turn();
        }
        await writer.end({ type: "finish-step" }, { type: "finish", finishReason: "stop" });
        const written: Record<string, string> = {};
        for (const { data } of await events()) {
          const chunk = JSON.parse(data) as Chunk;
          if (!isDelta(chunk)) continue;
          const block = chunk.type === "tool-input-delta" ? chunk.toolCallId : chunk.id;
          const before = written[block] ?? "";
          const text = textOf(chunk);
          // No cut between the halves of one.
          expect(/[\ud800-\udbff]$/.test(before) && /^[\udc00-\udfff]/.test(text)).toBe(false);
          written[block] = before + text;
        }
        expect(written).toEqual(said);
      }),
      { numRuns: 100 },
    );
  },
);
