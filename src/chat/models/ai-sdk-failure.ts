import {
  APICallError,
  EmptyResponseBodyError,
  InvalidResponseDataError,
  JSONParseError,
  TypeValidationError,
} from "@ai-sdk/provider";
import { ModelError, type ModelErrorCode } from "./model-error.ts";
import { retryAfterMsOf } from "./retry-after.ts";

/** What went wrong at a provider: what callers may hear of it, and what only the log may. */
export interface Failure {
  /** For callers and the log: nothing in it, nor in its cause, is the provider's or ours to hide. */
  readonly error: ModelError;
  /** What the provider said; it may repeat the prompt, and even the key. */
  readonly told: string | undefined;
}

/** As much of an error object as providers agree on. */
interface ProviderError {
  readonly message?: unknown;
  readonly type?: unknown;
  readonly code?: unknown;
}

/** What the SDK makes of a stream that is no answer. */
const GARBLED = [EmptyResponseBodyError, JSONParseError, TypeValidationError] as const;

const CONTEXT = /context.{0,24}(length|window|size)|prompt is too long|too many tokens/i;
const CONTENT = /content[ _]?(filter|policy|management)|moderation/i;
const RATE = /rate.?limit|too.?many.?requests|quota/i;

/** @param begun whether any of the answer had come */
export function toFailure(error: unknown, begun: boolean): Failure {
  if (APICallError.isInstance(error)) return fromCall(error, begun);
  if (!(error instanceof Error)) return fromStream(error);
  if (InvalidResponseDataError.isInstance(error))
    return { ...broken(error), told: textOf(error.data) };
  const garbled = GARBLED.some((kind) => kind.isInstance(error));
  if (garbled || systemCodeOf(error) !== "") return broken(error);
  return fail("model-failed", "The model failed.", error.name);
}

function fromCall(error: APICallError, begun: boolean): Failure {
  const { statusCode: status, responseHeaders = {}, responseBody } = error;
  if (status === undefined) {
    if (begun) return broken(error);
    return fail("model-unavailable", "The model cannot be reached.", systemCodeOf(error));
  }
  if (status < 300) return broken(error);
  const retryAfterMs = retryAfterMsOf(responseHeaders, Date.now());
  const said = providerErrorIn(responseBody);
  return { ...byStatus(status, said, retryAfterMs), told: responseBody };
}

function fromStream(value: unknown): Failure {
  const said: ProviderError =
    typeof value === "object" && value !== null ? value : { message: value };
  const told = textOf(value);
  const status = [said.code, said.type].map(Number).find((code) => code >= 400 && code < 600);
  if (status !== undefined) return { ...byStatus(status, said, undefined), told };
  if (RATE.test(`${textOf(said.type)} ${textOf(said.code)}`))
    return { ...byStatus(429, said, undefined), told };
  if (CONTEXT.test(wordsOf(said))) return { ...byStatus(400, said, undefined), told };
  return { ...fail("model-failed", "The model failed.", "an error in the stream"), told };
}

function byStatus(status: number, said: ProviderError, retryAfterMs: number | undefined): Failure {
  const cause = `HTTP ${status}`;
  const as = (code: ModelErrorCode, message: string) => fail(code, message, cause, retryAfterMs);
  if (status === 401 || status === 403)
    return as("model-unauthorised", "The model's provider does not admit this service.");
  if (status === 429)
    return as("model-rate-limited", "The model's provider has reached a limit. Try again later.");
  if (status >= 500 || status === 408)
    return as("model-unavailable", "The model's provider has failed. Try again later.");
  if (status < 400) return as("model-failed", "The model's provider sent the request elsewhere.");
  return as("model-refused", refusalOf(status, wordsOf(said)));
}

/** In our own words, since a provider's may hold what its caller must not see. */
function refusalOf(status: number, words: string): string {
  if (status === 413 || CONTEXT.test(words)) return "The conversation is too long for the model.";
  if (CONTENT.test(words))
    return "The model's provider does not answer this, by its content rules.";
  if (status === 404) return "The model's provider does not have the model.";
  return "The model's provider does not take the request.";
}

/** The stream broke, or what came is no answer. */
function broken(error: Error): Failure {
  const cause = `${error.name} ${systemCodeOf(error)}`.trim();
  return fail("model-broken", "The model's answer broke off.", cause);
}

/** @param cause for the log, in our own words */
function fail(
  code: ModelErrorCode,
  message: string,
  cause: string,
  retryAfterMs?: number,
): Failure {
  const error = new ModelError(code, message, { cause: new Error(cause), retryAfterMs });
  return { error, told: undefined };
}

/** `ECONNREFUSED`, `UND_ERR_SOCKET`: the innermost that there is, which tells most and names no host. */
function systemCodeOf(error: Error): string {
  let code = "";
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) {
    if ("code" in inner && typeof inner.code === "string" && /^[A-Z0-9_]{1,40}$/.test(inner.code))
      ({ code } = inner);
  }
  return code;
}

function providerErrorIn(body: string | undefined): ProviderError {
  try {
    const document: unknown = JSON.parse(body ?? "");
    if (typeof document !== "object" || document === null) return {};
    const { error = document } = document as { error?: unknown };
    return typeof error === "object" && error !== null ? error : { message: error };
  } catch {
    return { message: body };
  }
}

function wordsOf({ message, type, code }: ProviderError): string {
  return [message, type, code].map(textOf).join(" ").slice(0, 4_096);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value);
}
