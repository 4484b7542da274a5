import type { Usage } from "../../wire/chat.ts";
import { finishReasonOf } from "./ai-sdk-finish.ts";
import type { SdkStreamPart } from "./ai-sdk-request.ts";
import type { ModelPart } from "./model.ts";

/**
 * What a part of an AI SDK model's stream is in our words; undefined of those that add nothing to the answer.
 * @throws InvalidResponseDataError for a finish that is none
 */
export function toModelPart(part: SdkStreamPart): ModelPart | undefined {
  switch (part.type) {
    case "text-delta":
      return part.delta === "" ? undefined : { type: "text", text: part.delta };
    case "reasoning-delta":
      return part.delta === "" ? undefined : { type: "reasoning", text: part.delta };
    case "tool-input-start":
      return { type: "tool-input-start", toolCallId: part.id, toolName: part.toolName };
    case "tool-input-delta":
      return { type: "tool-input-delta", toolCallId: part.id, text: part.delta };
    case "tool-call": {
      const { toolCallId, toolName, input } = part;
      // Models leave the input out where a tool takes none; whoever parses it expects an object.
      return { type: "tool-call", toolCallId, toolName, input: input.trim() === "" ? "{}" : input };
    }
    case "finish": {
      const { finishReason, usage } = part;
      return { type: "finish", reason: finishReasonOf(finishReason), usage: usageOf(usage) };
    }
    default:
      return undefined;
  }
}

type SdkUsage = Extract<SdkStreamPart, { type: "finish" }>["usage"];

function usageOf({ raw }: SdkUsage): Usage | undefined {
  // As it came: the SDK takes what is not told for 0.
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens } = raw ?? {};
  if (typeof inputTokens !== "number" || typeof outputTokens !== "number") return undefined;
  return { inputTokens, outputTokens };
}
