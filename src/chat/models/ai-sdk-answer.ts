import type { Usage } from "../../wire/chat.ts";
import type { SdkModel } from "./ai-sdk-request.ts";
import type { ModelPart } from "./model.ts";

type SdkStream = Awaited<ReturnType<SdkModel["doStream"]>>["stream"];
type SdkPart = SdkStream extends ReadableStream<infer Part> ? Part : never;
type SdkFinish = Extract<SdkPart, { type: "finish" }>;
type Reason = Extract<ModelPart, { type: "finish" }>["reason"];

/** What a part of an AI SDK model's stream is in our words; undefined of those that add nothing to the answer. */
export function toModelPart(part: SdkPart): ModelPart | undefined {
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
      return { type: "finish", reason: REASONS[finishReason.unified], usage: usageOf(usage) };
    }
    default:
      return undefined;
  }
}

/** `error` does not get here: an error part comes before it, and is thrown. */
const REASONS: Readonly<Record<SdkFinish["finishReason"]["unified"], Reason>> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool-calls",
  "content-filter": "content-filter",
  error: "stop",
  other: "stop",
};

function usageOf({ inputTokens, outputTokens }: SdkFinish["usage"]): Usage | undefined {
  if (inputTokens.total === undefined && outputTokens.total === undefined) return undefined;
  return { inputTokens: inputTokens.total ?? 0, outputTokens: outputTokens.total ?? 0 };
}
