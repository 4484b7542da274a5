import type { FinishReason, Usage } from "../../wire/chat.ts";

/** A call of a tool that a model has asked for. */
export interface ToolCall {
  readonly toolCallId: string;
  readonly toolName: string;
  /** JSON text. */
  readonly input: string;
}

export type ModelMessage =
  | { readonly role: "system" | "user"; readonly content: string }
  | {
      readonly role: "assistant";
      readonly content: string;
      readonly toolCalls?: readonly ToolCall[] | undefined;
    }
  | {
      readonly role: "tool";
      readonly toolCallId: string;
      readonly toolName: string;
      readonly content: string;
    };

/** A tool that the caller can run; we never do. */
export interface Tool {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema of its input. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export type ToolChoice = "auto" | "none" | "required" | { readonly toolName: string };

/** What a model is asked. What is undefined is the model's own default. */
export interface ModelRequest {
  readonly messages: readonly ModelMessage[];
  /** Of the answer. */
  readonly maxTokens: number;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  /** How much it thinks, and how much it says: in words that the model knows. */
  readonly reasoningEffort?: string | undefined;
  readonly verbosity?: string | undefined;
  readonly tools?: readonly Tool[] | undefined;
  readonly toolChoice?: ToolChoice | undefined;
}

export type ModelPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "tool-input-start"; readonly toolCallId: string; readonly toolName: string }
  | { readonly type: "tool-input-delta"; readonly toolCallId: string; readonly text: string }
  /** Once for each call, after its input; the only one of the three that a model must send. */
  | ({ readonly type: "tool-call" } & ToolCall)
  | {
      readonly type: "finish";
      readonly reason: Exclude<FinishReason, "stopped" | "abandoned" | "error">;
      /** Undefined where the model does not say. */
      readonly usage: Usage | undefined;
    };

/**
 * PORT. A language model.
 *
 * `stream` MUST end with one `finish` part, or throw, a ModelError where it knows why; it MUST stop soon after the signal
 * aborts. It MUST NOT be tied to any reader: who reads the answer, and whether anybody does, is not its concern.
 */
export interface Model {
  /** By which callers ask for it. */
  readonly name: string;
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}
