import type { FinishReason, Usage } from "../wire/chat.ts";

export interface ModelMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface ModelRequest {
  readonly messages: readonly ModelMessage[];
  readonly maxTokens: number;
  readonly temperature: number | undefined;
}

export type ModelPart =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "finish";
      readonly reason: Extract<FinishReason, "stop" | "length">;
      readonly usage: Usage;
    };

/**
 * PORT. A language model.
 *
 * `stream` MUST end with one `finish` part, or throw; it MUST stop soon after the signal aborts. It MUST NOT be tied to
 * any reader: who reads the answer, and whether anybody does, is not its concern.
 */
export interface Model {
  readonly name: string;
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}
