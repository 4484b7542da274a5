import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { AddressOf } from "../addresses/client-address.ts";
import type { Refusal } from "../connections/admission.ts";
import { adviseRetryMs, CLOSE_REASONS, type CloseReason } from "../connections/close-reason.ts";
import type { Admission, ConnectionManager } from "../connections/connection-manager.ts";
import { type ErrorCode, ServiceError } from "../errors.ts";
import { STREAM_HEADERS, untilOurTurn } from "../transports/http-stream.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Format } from "../transports/transport.ts";
import { type AppContext, incomingOf, outgoingOf } from "./request.ts";

export interface AdmittingServices {
  readonly connections: ConnectionManager;
  readonly addressOf: AddressOf;
  readonly metrics: Metrics;
}

const ERROR_OF = {
  overloaded: "overloaded",
  "rate-limited": "rate-limited",
  drain: "draining",
} as const satisfies Record<Exclude<Refusal["reason"], "gone">, ErrorCode>;

/**
 * A place for whoever asks here, perhaps after some waiting, or why there is none (for `refuse`). The caller MUST open a
 * connection on it or release it.
 *
 * A pipelined request holds neither place nor turn in the queue before it can be answered: one socket is one client.
 * @param transport the label in metrics
 */
export async function admit(
  c: AppContext,
  { connections, addressOf }: AdmittingServices,
  transport: string,
  principal: string,
): Promise<Admission | Refusal> {
  const response = outgoingOf(c);
  await untilOurTurn(response);
  const left = new AbortController();
  const onClose = (): void => left.abort();
  if (!response.socket || response.closed) onClose();
  else response.once("close", onClose);
  const address = addressOf(incomingOf(c));
  try {
    return await connections.admit({ transport, principal, address, signal: left.signal });
  } finally {
    // A stream lives for long: nothing of its waiting stays with it.
    response.off("close", onClose);
  }
}

/**
 * Says that there is no place. An EventSource dies of an error status for good, so it is told in band to come back;
 * others get a status.
 * @param format of the stream that was asked for; undefined = a document
 * @throws ServiceError
 */
export function refuse(
  c: AppContext,
  { metrics }: AdmittingServices,
  format: Format | undefined,
  { reason, detail }: Refusal,
): Response {
  if (reason === "gone") return RESPONSE_ALREADY_SENT;
  const retryMs = adviseRetryMs(reason)!;
  if (!isEventSource(c, format))
    throw new ServiceError(ERROR_OF[reason], detail, { retryAfterMs: retryMs });
  metrics.error(ERROR_OF[reason]);
  return lastWords(c, format!, reason, retryMs);
}

/**
 * Answers with a stream, once it is known that the client may have it. While the log cannot say so, an EventSource is told
 * nothing but to come back; others get the 503.
 */
export async function answerOrDefer(
  c: AppContext,
  { metrics }: AdmittingServices,
  format: Format,
  answer: () => Promise<Response>,
): Promise<Response> {
  try {
    return await answer();
  } catch (error) {
    const isAway = error instanceof ServiceError && error.code === "log-unavailable";
    if (!isAway || !isEventSource(c, format)) throw error;
    metrics.error(error.code);
    return lastWords(c, format, "internal", adviseRetryMs("internal")!);
  }
}

/** Whether the client would die of an error status. */
function isEventSource(c: AppContext, format: Format | undefined): boolean {
  const asks = c.req.method === "GET" && c.req.header("accept")?.includes("text/event-stream");
  return asks === true && format?.name === "sse";
}

/** A stream that ends at once. */
function lastWords(c: AppContext, format: Format, reason: CloseReason, retryMs: number): Response {
  const closing = { reason, reconnect: CLOSE_REASONS[reason].reconnect, retryMs };
  // AI streams have no last words: there, coming back later is all that is said.
  const words = format.closing(closing) ?? Buffer.from(`retry: ${retryMs}\n\n`);
  const headers = { ...STREAM_HEADERS, "content-type": format.contentType };
  return c.body(new Uint8Array(words), 200, headers);
}
