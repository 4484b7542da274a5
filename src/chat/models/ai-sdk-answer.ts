import type { LanguageModelUsage, TextStreamPart, ToolSet } from "ai";
import type { Usage } from "../../wire/chat.ts";
import type { ModelPart } from "./model.ts";

type SdkPart = TextStreamPart<ToolSet>;
type Reason = Extract<ModelPart, { type: "finish" }>["reason"];

/** Turns the parts of the AI SDK's stream into ours. What tells of failures is not for it. */
export class AnswerParts {
  /** The text of each call's input, as it came: the SDK gives it parsed, and not all of it can be. */
  readonly #inputs = new Map<string, string>();

  /** Undefined of those that add nothing to the answer. */
  of(part: SdkPart): ModelPart | undefined {
    switch (part.type) {
      case "text-delta":
        return part.text === "" ? undefined : { type: "text", text: part.text };
      case "reasoning-delta":
        return part.text === "" ? undefined : { type: "reasoning", text: part.text };
      case "tool-input-start":
        return { type: "tool-input-start", toolCallId: part.id, toolName: part.toolName };
      case "tool-input-delta":
        this.#inputs.set(part.id, (this.#inputs.get(part.id) ?? "") + part.delta);
        return { type: "tool-input-delta", toolCallId: part.id, text: part.delta };
      case "tool-call": {
        const { toolCallId, toolName } = part;
        return { type: "tool-call", toolCallId, toolName, input: this.#inputOf(part) };
      }
      case "finish":
        return {
          type: "finish",
          reason: REASONS[part.finishReason],
          usage: usageOf(part.totalUsage),
        };
      default:
        return undefined;
    }
  }

  #inputOf({ toolCallId, input }: Extract<SdkPart, { type: "tool-call" }>): string {
    const given = this.#inputs.get(toolCallId) ?? "";
    if (given.trim() !== "") return given;
    // Models leave the input out where a tool takes none; whoever parses it expects an object.
    return typeof input === "object" && input !== null ? JSON.stringify(input) : "{}";
  }
}

/** `error` does not get here: it is thrown. */
const REASONS: Readonly<Record<Extract<SdkPart, { type: "finish" }>["finishReason"], Reason>> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool-calls",
  "content-filter": "content-filter",
  error: "stop",
  other: "stop",
};

function usageOf({ inputTokens, outputTokens }: LanguageModelUsage): Usage | undefined {
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0 };
}
