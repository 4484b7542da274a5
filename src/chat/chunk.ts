import type { Event, EventDraft } from "../log/event.ts";
import { EventMemo } from "../log/event-memo.ts";
import type { FinishReason, Usage } from "../wire/chat.ts";

/**
 * The entries of a generation's topic: UI message chunks of the AI SDK, in the subset that every version of its client
 * accepts, with members of our own that only our projections show (`model`, `owner`, `index`, `code`, `retryable`,
 * `retryAfterMs`, `finishReason`, `usage`). An entry is one chunk, its event type the chunk's type. The last one is always
 * `finish`, preceded by `abort` or `error` when the end was not normal.
 */
export type Chunk =
  /** `owner`: the principal who asked, and beside operations the only one who may read it. */
  | { type: "start"; messageId: string; model: string; owner: string }
  | { type: "start-step" }
  | { type: "text-start"; id: string }
  | { type: "text-delta"; id: string; delta: string }
  | { type: "text-end"; id: string }
  | { type: "reasoning-start"; id: string }
  | { type: "reasoning-delta"; id: string; delta: string }
  | { type: "reasoning-end"; id: string }
  /** `index`: which of the answer's tool calls, from 0. */
  | { type: "tool-input-start"; toolCallId: string; toolName: string; index: number }
  | { type: "tool-input-delta"; toolCallId: string; inputTextDelta: string; index: number }
  | { type: "tool-input-available"; toolCallId: string; toolName: string; input: unknown }
  | { type: "finish-step" }
  | {
      type: "error";
      errorText: string;
      code: string;
      retryable: boolean;
      retryAfterMs?: number | undefined;
    }
  | { type: "abort" }
  /** `usage` is known where the model has told it: not of an answer that ended before its time. */
  | { type: "finish"; finishReason: FinishReason; usage?: Usage | undefined }
  /** A request to stop, from whoever asks; projections skip it. */
  | { type: "stop" };

export type ChunkOf<T extends Chunk["type"]> = Extract<Chunk, { type: T }>;

export function chunkDraft(chunk: Chunk): EventDraft {
  return { type: chunk.type, data: JSON.stringify(chunk) };
}

const chunks = new EventMemo<Chunk>(({ data }) => JSON.parse(data) as Chunk);

/** The chunk in an event; parsed once for all who read it now. */
export function chunkOf(event: Event): Chunk {
  return chunks.of(event);
}
