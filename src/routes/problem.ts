import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ERROR_CODES, ServiceError } from "../errors.ts";

/** An answer that says what went wrong (RFC 9457), with a stable `code`, the field and the request id. */
export function problemResponse(error: unknown, requestId: string): Response {
  const { status, headers, body } = problemOf(error, requestId);
  return new Response(body, { status, headers });
}

/** The same in parts, for who writes it past Hono; names of headers in lower case. */
export function problemOf(
  error: unknown,
  requestId: string,
): { status: number; headers: Record<string, string>; body: string } {
  const { code, message, field, retryAfterMs, extra } = asServiceError(error);
  const { status, title, retryable } = ERROR_CODES[code];
  const document = {
    type: `urn:novastream:problem:${code}`,
    title,
    status: status as ContentfulStatusCode,
    detail: message,
    code,
    ...(field === undefined ? {} : { field }),
    retryable,
    requestId,
    ...extra,
  };
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (retryAfterMs !== undefined || status === 503) {
    headers["retry-after"] = String(Math.max(1, Math.ceil((retryAfterMs ?? 1_000) / 1_000)));
  }
  // Clients of AI services take any 409 for one that a second try mends.
  if (code === "chat-busy") headers["x-should-retry"] = "false";
  if (code === "method-not-allowed") headers["allow"] = String(extra["allow"]);
  if (code === "upgrade-required") headers["upgrade"] = "websocket";
  return { status, headers, body: JSON.stringify(document) };
}

/** What may be told of an error: of one that is not ours, nothing. */
export function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  return new ServiceError("internal", "The service failed. It has been logged.");
}
