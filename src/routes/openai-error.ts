import { openAiErrorOf } from "../chat/projections/openai-error.ts";
import { asServiceError, problemOf } from "./problem.ts";

/**
 * An error in OpenAI's shape, for the paths of its API. Its clients repeat 408, 409, 429 and 5xx by themselves unless
 * `x-should-retry` says that it is no use, and wait for as long as `retry-after-ms` or `retry-after` says.
 */
export function openAiErrorResponse(error: unknown, requestId: string): Response {
  const { code, message, field, retryAfterMs, retryable } = asServiceError(error);
  const { status, headers } = problemOf(error, requestId);
  const response = new Response(JSON.stringify(openAiErrorOf(code, message, field)), {
    // OpenAI has no such model at that URL, as it were.
    status: code === "unknown-model" ? 404 : status,
    headers: { ...headers, "content-type": "application/json" },
  });
  if (!retryable) response.headers.set("x-should-retry", "false");
  if (retryAfterMs !== undefined) response.headers.set("retry-after-ms", String(retryAfterMs));
  return response;
}
