import type { ErrorCode } from "../../errors.ts";

/** What may go wrong at a model, as its callers are told. */
export type ModelErrorCode = Extract<ErrorCode, `model-${string}`>;

export interface ModelErrorDetails {
  /** What the model's provider asks to wait. */
  readonly retryAfterMs?: number | undefined;
  /** For our log, not for callers: it may hold what is secret. */
  readonly cause?: unknown;
}

/** Why a model gave no (whole) answer. The message is for callers: it holds no key, no address, and no foreign text. */
export class ModelError extends Error {
  override name = "ModelError";
  readonly code: ModelErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ModelErrorCode, message: string, details: ModelErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryAfterMs = details.retryAfterMs;
  }
}
