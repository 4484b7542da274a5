import type { Chunk } from "../../src/chat/chunk.ts";
import { chunkDraft } from "../../src/chat/chunk.ts";
import { createEvent, type Event } from "../../src/log/event.ts";
import { chatTopic } from "../../src/log/topic.ts";

export const GENERATION = "gen-0b7e5c1a-7a52-4d0e-9f3e-1f2a3b4c5d6e";

/** Chunks as the events of a generation's topic, one a millisecond; the last of them closes it. */
export function eventsOf(chunks: readonly Chunk[]): Event[] {
  const born = 1_700_000_000_000;
  return chunks.map((chunk, index) =>
    createEvent(
      chatTopic(GENERATION),
      { ms: born + index, n: index + 1 },
      born,
      chunkDraft(chunk),
      index === chunks.length - 1,
    ),
  );
}

/** Everything that an answer can hold, and one that has gone well. */
export const WHOLE: readonly Chunk[] = [
  { type: "start", messageId: GENERATION, model: "demo", owner: "ada" },
  { type: "start-step" },
  { type: "reasoning-start", id: "rsn-0" },
  { type: "reasoning-delta", id: "rsn-0", delta: "hm, " },
  { type: "reasoning-delta", id: "rsn-0", delta: "你好" },
  { type: "reasoning-end", id: "rsn-0" },
  { type: "text-start", id: "txt-1" },
  { type: "text-delta", id: "txt-1", delta: "line\nend \u2028 " },
  { type: "stop" },
  { type: "text-delta", id: "txt-1", delta: 'data: "x"\r\n\n' },
  { type: "text-end", id: "txt-1" },
  { type: "tool-input-start", toolCallId: "call-1", toolName: "weather", index: 0 },
  { type: "tool-input-delta", toolCallId: "call-1", inputTextDelta: '{"city":', index: 0 },
  { type: "tool-input-delta", toolCallId: "call-1", inputTextDelta: '"Ulm"}', index: 0 },
  {
    type: "tool-input-available",
    toolCallId: "call-1",
    toolName: "weather",
    input: { city: "Ulm" },
  },
  { type: "finish-step" },
  { type: "finish", finishReason: "tool-calls", usage: { inputTokens: 3, outputTokens: 7 } },
];

/** The ends that are not normal, each after the same beginning. */
const BEGUN: readonly Chunk[] = [
  { type: "start", messageId: GENERATION, model: "demo", owner: "ada" },
  { type: "start-step" },
  { type: "text-start", id: "txt-0" },
  { type: "text-delta", id: "txt-0", delta: "so far" },
  { type: "text-end", id: "txt-0" },
  { type: "finish-step" },
];
const usage = { inputTokens: 1, outputTokens: 2 };

export const STOPPED: readonly Chunk[] = [
  ...BEGUN,
  { type: "abort" },
  { type: "finish", finishReason: "stopped", usage },
];
export const ABANDONED: readonly Chunk[] = [
  ...BEGUN,
  { type: "abort" },
  { type: "finish", finishReason: "abandoned", usage },
];
export const FAILED: readonly Chunk[] = [
  ...BEGUN,
  {
    type: "error",
    errorText: "The model has reached a limit.",
    code: "model-rate-limited",
    retryable: true,
    retryAfterMs: 7_000,
  },
  { type: "finish", finishReason: "error", usage },
];
