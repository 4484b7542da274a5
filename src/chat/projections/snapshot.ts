import type { GenerationSnapshot } from "../../wire/chat.ts";
import { type Answer, stateOf } from "../answer.ts";

/** An answer as one document, in mid-stream too. */
export function snapshotOf(answer: Answer): GenerationSnapshot {
  const { error, finishReason, reasoning } = answer;
  const called = answer.toolCalls.flatMap(({ toolCallId, toolName, value }) =>
    value === undefined ? [] : [{ toolCallId, toolName, input: value }],
  );
  return {
    generation: answer.messageId,
    state: stateOf(finishReason),
    model: answer.model,
    text: answer.text,
    ...(reasoning !== "" && { reasoning }),
    ...(called.length > 0 && { toolCalls: called }),
    ...(finishReason && { finishReason }),
    ...(answer.usage && { usage: answer.usage }),
    ...(error && {
      error: {
        code: error.code,
        message: error.errorText,
        retryable: error.retryable,
        ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
      },
    }),
    startedAt: timeOf(answer.startedMs),
    ...(answer.firstTokenMs !== undefined && { firstTokenAt: timeOf(answer.firstTokenMs) }),
    ...(answer.endedMs !== undefined && { endedAt: timeOf(answer.endedMs) }),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
