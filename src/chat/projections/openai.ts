import type { Event } from "../../log/event.ts";
import type { Format } from "../../transports/transport.ts";
import type { FinishReason, Usage } from "../../wire/chat.ts";
import type {
  Completion,
  CompletionChunk,
  CompletionDelta,
  CompletionFinishReason,
  CompletionUsage,
} from "../../wire/openai.ts";
import { ABANDONED, type Answer, errorCodeOf } from "../answer.ts";
import { type Chunk, chunkOf } from "../chunk.ts";
import { openAiErrorOf } from "./openai-error.ts";

const NOTHING = Buffer.alloc(0);

/** Whoever stopped an answer knows that there would have been more. The other ends are errors. */
const FINISH_REASONS: Partial<Record<FinishReason, CompletionFinishReason>> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool_calls",
  "content-filter": "content_filter",
  stopped: "stop",
};

const LOST = openAiErrorOf("history-lost", "The answer's history is gone. Please ask again.");

const frameOf = (document: object): string => `data: ${JSON.stringify(document)}\n\n`;

function usageOf({ inputTokens, outputTokens }: Usage): CompletionUsage {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

/** What a chunk adds to the message; undefined of those that add nothing. */
function deltaOf(chunk: Chunk): CompletionDelta | undefined {
  switch (chunk.type) {
    case "start":
      return { role: "assistant", content: "" };
    case "text-delta":
      return { content: chunk.delta };
    case "reasoning-delta":
      return { reasoning_content: chunk.delta };
    case "tool-input-start": {
      const { index, toolCallId: id, toolName: name } = chunk;
      return { tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] };
    }
    case "tool-input-delta":
      return {
        tool_calls: [{ index: chunk.index, function: { arguments: chunk.inputTextDelta } }],
      };
    default:
      return undefined;
  }
}

/** What every chunk of a stream repeats. */
type Head = Pick<CompletionChunk, "id" | "object" | "created" | "model">;

/** The `data:` frames of one chunk; undefined of those that a client of OpenAI's is not told of. */
function framesOf(chunk: Chunk, head: Head, includeUsage: boolean): string | undefined {
  const withoutUsage = includeUsage ? { usage: null } : {};
  const step = (delta: CompletionDelta, finish_reason: CompletionFinishReason | null): string => {
    const choices: CompletionChunk["choices"] = [
      { index: 0, delta, logprobs: null, finish_reason },
    ];
    return frameOf({ ...head, choices, ...withoutUsage } satisfies CompletionChunk);
  };
  switch (chunk.type) {
    // The stream ends after it, and has no [DONE].
    case "error":
      return frameOf(openAiErrorOf(errorCodeOf(chunk.code), chunk.errorText));
    case "finish": {
      if (chunk.finishReason === "abandoned") return frameOf(openAiErrorOf("abandoned", ABANDONED));
      const reason = FINISH_REASONS[chunk.finishReason];
      if (!reason) return undefined;
      const usage = includeUsage && chunk.usage && usageOf(chunk.usage);
      const told = usage ? frameOf({ ...head, choices: [], usage } satisfies CompletionChunk) : "";
      return `${step({}, reason)}${told}data: [DONE]\n\n`;
    }
    default: {
      const delta = deltaOf(chunk);
      return delta && step(delta, null);
    }
  }
}

export interface CompletionFormatOptions {
  /** Whether a last chunk tells the usage, and all others that they do not. */
  readonly includeUsage: boolean;
}

const idOf = (messageId: string): string => `chatcmpl-${messageId}`;
const secondsOf = (ms: number): number => Math.floor(ms / 1_000);

/**
 * OpenAI's stream of chunks, for one reader who begins at the beginning: its protocol knows no resuming. What every chunk
 * repeats is taken from the answer's start; so equal answers give equal bytes on any process.
 */
export function createCompletionFormat({ includeUsage }: CompletionFormatOptions): Format {
  let head: Head | undefined;
  return {
    name: "sse",
    contentType: "text/event-stream",
    ids: "position",
    endsAtGap: true,
    event: (event: Event, id) => {
      const chunk = chunkOf(event);
      if (chunk.type === "start") {
        head = {
          id: idOf(chunk.messageId),
          object: "chat.completion.chunk",
          created: secondsOf(event.position.ms),
          model: chunk.model,
        };
      }
      const frames = head && framesOf(chunk, head, includeUsage);
      return frames === undefined ? undefined : Buffer.from(`id: ${id}\n${frames}`);
    },
    control: (type) => (type === "gap" ? Buffer.from(frameOf(LOST)) : undefined),
    heartbeat: Buffer.from(":hb\n"),
    closing: ({ reason }) => (reason === "finished" ? NOTHING : undefined),
  };
}

/** One document of an answer that has ended, and that is no failure (`failureOf`). */
export function completionOf(answer: Answer): Completion {
  const { messageId, model, startedMs, text, reasoning, toolCalls } = answer;
  const calls = toolCalls.map(({ toolCallId: id, toolName: name, input }) => ({
    id,
    type: "function" as const,
    function: { name, arguments: input },
  }));
  return {
    id: idOf(messageId),
    object: "chat.completion",
    created: secondsOf(startedMs),
    model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: text === "" && calls.length > 0 ? null : text,
          refusal: null,
          ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
          ...(calls.length === 0 ? {} : { tool_calls: calls }),
        },
        logprobs: null,
        finish_reason: FINISH_REASONS[answer.finishReason!]!,
      },
    ],
    ...(answer.usage && { usage: usageOf(answer.usage) }),
  };
}
