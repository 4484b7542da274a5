import { ERROR_CODES, type ErrorCode, ServiceError } from "../errors.ts";
import type { Event } from "../log/event.ts";
import type { EndedState } from "../telemetry/chat-metrics.ts";
import type { FinishReason, GenerationSnapshot, Usage } from "../wire/chat.ts";
import { type ChunkOf, chunkOf } from "./chunk.ts";
import { isDelta } from "./delta.ts";
import type { ToolCall } from "./models/model.ts";

/** All that an answer has said so far, to the letter: what a tool is called with is the text that the model wrote. */
export interface Answer {
  readonly messageId: string;
  readonly model: string;
  /** When it was begun, in ms since the epoch by the log's clock. */
  readonly startedMs: number;
  /** Likewise, when its first word came; undefined before it. */
  readonly firstTokenMs: number | undefined;
  readonly endedMs: number | undefined;
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly AnswerCall[];
  readonly error: ChunkOf<"error"> | undefined;
  /** Once it has ended; with the usage, where that is known. */
  readonly finishReason: FinishReason | undefined;
  readonly usage: Usage | undefined;
}

export interface AnswerCall extends ToolCall {
  /** What its input is, once all of it is there: JSON, or the text itself where that is none. */
  readonly value?: unknown;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Folds a generation's events, in order, into its answer. */
export class AnswerFold {
  readonly #calls: Mutable<AnswerCall>[] = [];
  #answer: Mutable<Answer> | undefined;

  /** Undefined before `start`. */
  get answer(): Answer | undefined {
    return this.#answer;
  }

  add(event: Event): void {
    const chunk = chunkOf(event);
    if (chunk.type === "start") {
      this.#answer = {
        messageId: chunk.messageId,
        model: chunk.model,
        startedMs: event.position.ms,
        firstTokenMs: undefined,
        endedMs: undefined,
        text: "",
        reasoning: "",
        toolCalls: this.#calls,
        error: undefined,
        finishReason: undefined,
        usage: undefined,
      };
    }
    const answer = this.#answer;
    if (!answer) return;
    if (isDelta(chunk) || chunk.type === "tool-input-start")
      answer.firstTokenMs ??= event.position.ms;
    switch (chunk.type) {
      case "text-delta":
        answer.text += chunk.delta;
        break;
      case "reasoning-delta":
        answer.reasoning += chunk.delta;
        break;
      case "tool-input-start":
        this.#calls[chunk.index] = {
          toolCallId: chunk.toolCallId,
          toolName: chunk.toolName,
          input: "",
        };
        break;
      case "tool-input-available":
        for (const call of this.#calls)
          if (call.toolCallId === chunk.toolCallId) call.value = chunk.input;
        break;
      case "tool-input-delta":
        this.#calls[chunk.index]!.input += chunk.inputTextDelta;
        break;
      case "error":
        answer.error = chunk;
        break;
      case "finish":
        answer.finishReason = chunk.finishReason;
        answer.usage = chunk.usage;
        answer.endedMs = event.position.ms;
        break;
      default:
        break;
    }
  }
}

/** How a generation stands that has ended so; undefined = not yet. */
export function stateOf(finishReason: FinishReason): EndedState;
export function stateOf(finishReason: FinishReason | undefined): GenerationSnapshot["state"];
export function stateOf(finishReason: FinishReason | undefined): GenerationSnapshot["state"] {
  return finishReason ? STATES[finishReason] : "running";
}

const STATES = {
  stop: "finished",
  length: "finished",
  "tool-calls": "finished",
  "content-filter": "finished",
  stopped: "stopped",
  abandoned: "stopped",
  error: "failed",
} as const satisfies Record<FinishReason, EndedState>;

/** What an answer that nobody read to its end is to whoever comes upon it: no shorter answer. */
export const ABANDONED =
  "The answer was given up, because nobody was reading it. Please ask again.";

/** Why an answer is none; undefined where it is one, or goes on. */
export function failureOf({ error, finishReason }: Answer): ServiceError | undefined {
  if (finishReason === "abandoned") return new ServiceError("abandoned", ABANDONED);
  if (!error) return undefined;
  const { code, errorText, retryAfterMs } = error;
  return new ServiceError(
    errorCodeOf(code),
    errorText,
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );
}

/** The code that an `error` chunk carries, which another version of the service may have written. */
export function errorCodeOf(code: string): ErrorCode {
  return Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : "internal";
}
