/**
 * Every error that a client can meet, in one table: a code decides the HTTP status and whether a retry can help.
 * Codes are stable; details are for people and may change.
 */
export const ERROR_CODES = {
  "invalid-parameter": { status: 400, title: "A parameter is not valid", retryable: false },
  "invalid-body": { status: 400, title: "The body is not valid", retryable: false },
  "invalid-json": { status: 400, title: "The body is not JSON", retryable: false },
  "invalid-utf8": { status: 400, title: "The body is not UTF-8", retryable: false },
  "invalid-line": { status: 400, title: "A line of the body is not valid", retryable: false },
  "forbidden-origin": { status: 403, title: "The page may not connect", retryable: false },
  "not-found": { status: 404, title: "There is no such thing", retryable: false },
  "method-not-allowed": {
    status: 405,
    title: "The path does not take this method",
    retryable: false,
  },
  "body-incomplete": { status: 400, title: "The body was cut short", retryable: true },
  "body-timeout": { status: 408, title: "The body did not arrive in time", retryable: true },
  "topic-closed": { status: 409, title: "The topic is closed", retryable: false },
  "fenced-off": { status: 409, title: "A newer writer has taken over", retryable: false },
  "chat-busy": { status: 409, title: "The chat has an answer under way", retryable: false },
  abandoned: { status: 410, title: "The answer was given up unread", retryable: false },
  "history-lost": { status: 410, title: "The answer's history is gone", retryable: true },
  "too-large": { status: 413, title: "The body or an event is too large", retryable: false },
  "unsupported-media-type": {
    status: 415,
    title: "The body's media type is not supported",
    retryable: false,
  },
  "idempotency-mismatch": {
    status: 422,
    title: "The Idempotency-Key was used with another body",
    retryable: false,
  },
  "upgrade-required": { status: 426, title: "The path speaks WebSocket", retryable: false },
  "unknown-model": { status: 400, title: "There is no such model", retryable: false },
  "rate-limited": { status: 429, title: "The caller has reached a limit", retryable: true },
  internal: { status: 500, title: "The service failed", retryable: true },
  "log-unavailable": { status: 503, title: "The event log cannot be reached", retryable: true },
  overloaded: { status: 503, title: "The service is full", retryable: true },
  draining: { status: 503, title: "The service is shutting down", retryable: true },
  "model-refused": { status: 400, title: "The model does not take the request", retryable: false },
  "model-rate-limited": { status: 429, title: "The model has reached a limit", retryable: true },
  "model-unauthorised": { status: 502, title: "The model does not admit us", retryable: false },
  "model-failed": { status: 502, title: "The model failed", retryable: true },
  "model-broken": { status: 502, title: "The model's answer broke off", retryable: true },
  "model-unavailable": { status: 503, title: "The model cannot be reached", retryable: true },
  "model-first-token-timeout": {
    status: 504,
    title: "The model did not begin in time",
    retryable: true,
  },
  "model-idle-timeout": { status: 504, title: "The model fell silent", retryable: true },
  interrupted: { status: 503, title: "The answer was interrupted by a shutdown", retryable: true },
  "producer-lost": { status: 503, title: "The process that answered is gone", retryable: true },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** The parameter, header or body field that is at fault. */
  field?: string;
  /** When a retry is worth while, in milliseconds. */
  retryAfterMs?: number;
  /** Further members of the problem document. */
  extra?: Record<string, unknown>;
  cause?: unknown;
}

/** An error whose code and detail may be shown to a client. Anything else is `internal`. */
export class ServiceError extends Error {
  override name = "ServiceError";
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly extra: Record<string, unknown>;

  constructor(code: ErrorCode, detail: string, details: ErrorDetails = {}) {
    super(detail, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
    this.extra = details.extra ?? {};
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }
}

/** 503 for trouble below. Of a write it means "unknown": repeat it with the same Idempotency-Key. */
export function logUnavailable(cause: unknown): ServiceError {
  return new ServiceError(
    "log-unavailable",
    "The event log cannot be reached. Whether a write took effect is unknown: repeat it with the same Idempotency-Key.",
    { retryAfterMs: 1000, cause },
  );
}

export function idempotencyMismatch(): ServiceError {
  return new ServiceError(
    "idempotency-mismatch",
    "This Idempotency-Key has been used with another body within the last 24 hours.",
    { field: "Idempotency-Key" },
  );
}
