import { ERROR_CODES, type ErrorCode } from "../../errors.ts";
import type { CompletionError } from "../../wire/openai.ts";

/** Where OpenAI has a word of its own that its clients look for; the other codes are ours. */
const OPENAI_CODES: Partial<Record<ErrorCode, string>> = {
  "unknown-model": "model_not_found",
  "rate-limited": "rate_limit_exceeded",
  "model-rate-limited": "rate_limit_exceeded",
};

/** Likewise of the members of a request. */
const OPENAI_PARAMS: Readonly<Record<string, string>> = { maxTokens: "max_tokens" };

/** An error as OpenAI writes it, whether it is an answer of its own or stands in a stream. */
export function openAiErrorOf(code: ErrorCode, message: string, param?: string): CompletionError {
  const { status } = ERROR_CODES[code];
  const type =
    status >= 500 ? "server_error" : status === 429 ? "rate_limit_error" : "invalid_request_error";
  return {
    error: {
      message,
      type,
      param: OPENAI_PARAMS[param ?? ""] ?? param ?? null,
      code: OPENAI_CODES[code] ?? code,
    },
  };
}
