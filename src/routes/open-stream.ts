import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { adviseRetryMs, CLOSE_REASONS } from "../connections/close-reason.ts";
import type { ConnectionManager } from "../connections/connection-manager.ts";
import { ServiceError } from "../errors.ts";
import type { SubscriptionRequest } from "../hub/subscription.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { HttpStream, STREAM_HEADERS } from "../transports/http-stream.ts";
import type { Format } from "../transports/transport.ts";
import { addressOf, type AppContext, incomingOf, outgoingOf } from "./request.ts";

export interface StreamServices {
  readonly connections: ConnectionManager;
  readonly metrics: Metrics;
}

export interface StreamSpec {
  readonly principal: string;
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly follow: boolean;
  /** Beside those of every stream; names in lower case. */
  readonly headers?: Record<string, string>;
}

/**
 * Answers with a stream: admits the connection, or says why not in a way that the client survives.
 * @param describe asked once there is a place: what it starts is not started for somebody who is then turned away
 */
export async function openStream(
  c: AppContext,
  services: StreamServices,
  format: Format,
  describe: () => StreamSpec | Promise<StreamSpec>,
): Promise<Response> {
  // Hono runs GET handlers for HEAD: there is a head to see and no stream to open.
  if (c.req.method === "HEAD") {
    return c.body(null, 200, { ...STREAM_HEADERS, "content-type": format.contentType });
  }
  const admission = services.connections.admit(format.name);
  if (typeof admission === "string") return refuse(c, format, admission);
  try {
    const spec = await describe();
    const headers = { ...middlewareHeaders(c), ...spec.headers };
    const stream = await HttpStream.open(outgoingOf(c), headers, format);
    if (!stream) return RESPONSE_ALREADY_SENT;
    const route = c.req.routePath;
    const startedAt = c.get("startedAt");
    admission.open({
      transport: stream,
      principal: spec.principal,
      address: addressOf(incomingOf(c)),
      subscriptions: spec.subscriptions,
      follow: spec.follow,
      onFirstEvent: () => services.metrics.firstEvent(route, performance.now() - startedAt),
    });
    return RESPONSE_ALREADY_SENT;
  } finally {
    admission.release();
  }
}

/** What middleware has set (CORS, the request id) goes out with the head that we write ourselves. */
function middlewareHeaders(c: AppContext): Record<string, string> {
  const { vary: _, "content-type": __, ...headers } = Object.fromEntries(c.res.headers);
  return headers;
}

/** An EventSource dies of an error status for good, so it is told in band to come back; others get a status. */
function refuse(c: AppContext, format: Format, reason: "overloaded" | "drain"): Response {
  const retryMs = adviseRetryMs(reason)!;
  const closing = { reason, reconnect: CLOSE_REASONS[reason].reconnect, retryMs };
  // AI streams have no last words: there, coming back later is all that is said.
  const words = format.closing(closing) ?? Buffer.from(`retry: ${retryMs}\n\n`);
  const isEventSource =
    c.req.method === "GET" && c.req.header("accept")?.includes("text/event-stream");
  if (isEventSource && format.name === "sse") {
    return c.body(new Uint8Array(words), 200, {
      ...STREAM_HEADERS,
      "content-type": format.contentType,
    });
  }
  throw reason === "drain"
    ? new ServiceError(
        "draining",
        "This process is shutting down: come back, and you reach another.",
        { retryAfterMs: retryMs },
      )
    : new ServiceError("overloaded", "All connections are taken. Please come back later.", {
        retryAfterMs: retryMs,
      });
}
