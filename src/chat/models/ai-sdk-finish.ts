import { InvalidResponseDataError } from "@ai-sdk/provider";
import type { SdkStreamPart } from "./ai-sdk-request.ts";
import type { ModelPart } from "./model.ts";

type SdkFinishReason = Extract<SdkStreamPart, { type: "finish" }>["finishReason"];
type Reason = Extract<ModelPart, { type: "finish" }>["reason"];

/** `error` and `other` are what the SDK makes of all that OpenAI's API does not have. */
const REASONS: Readonly<Record<SdkFinishReason["unified"], Reason | undefined>> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tool-calls",
  "content-filter": "content-filter",
  error: undefined,
  other: undefined,
};

/** What endpoints say that speak OpenAI's API with words of their own, in lower case. */
const SYNONYMS: Readonly<Record<Reason, readonly string[]>> = {
  stop: ["stop", "eos", "eos_token", "end", "end_turn", "end_of_turn", "stop_sequence", "complete"],
  length: ["max_tokens", "max_length", "max_new_tokens", "max_output_tokens", "model_length"],
  "tool-calls": ["tool_call", "tool_use", "function_calls"],
  "content-filter": ["content_filtered", "safety", "refusal", "prohibited_content", "sensitive"],
};

const REASON_OF = new Map(
  Object.entries(SYNONYMS).flatMap(([reason, words]) =>
    words.map((word) => [word, reason as Reason] as const),
  ),
);

/**
 * Why an answer has ended. Providers tell failures here too (`error`, `insufficient_system_resource`), and half an answer
 * must not pass for a whole one: what is not known to be an end is none.
 * @throws InvalidResponseDataError that holds the word
 */
export function finishReasonOf({ unified, raw }: SdkFinishReason): Reason {
  const reason = REASONS[unified] ?? REASON_OF.get((raw ?? "").toLowerCase());
  if (reason) return reason;
  throw new InvalidResponseDataError({
    data: raw,
    message: "the answer has ended for no known reason",
  });
}
