import type { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Bounds } from "../hub/bounds.ts";
import type { SubscriptionRequest } from "../hub/subscription.ts";
import { HttpStream, STREAM_HEADERS } from "../transports/http-stream.ts";
import { type Conclusion, DOCUMENT_HEADERS, JsonDocument } from "../transports/json-document.ts";
import type { Closing, Format } from "../transports/transport.ts";
import { admit, type AdmittingServices, refuse } from "./admit.ts";
import type { DocumentRequest } from "./document.ts";
import type { RangeUrl } from "./range-url.ts";
import { type AppContext, outgoingOf } from "./request.ts";

export type StreamServices = AdmittingServices;

export interface StreamRequest {
  readonly format: Format;
  readonly principal: string;
  /** One document in place of a stream. */
  readonly document?: DocumentRequest | undefined;
}

export interface StreamSpec {
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly bounds?: Bounds;
  readonly rangeUrl?: RangeUrl;
  /** Beside those of every stream; names in lower case. */
  readonly headers?: Record<string, string>;
  /** True where the backlog may come merged. */
  readonly merged?: boolean | undefined;
  /** See `ConnectionRequest`. */
  readonly finite?: boolean;
  /** Called once the stream is over, or could not be opened. */
  readonly onClosed?: () => void;
}

/**
 * Answers with a stream: admits the connection, or says why not in a way that the client survives.
 * @param describe asked once there is a place: what it starts is not started for somebody who is then turned away
 */
export async function openStream(
  c: AppContext,
  services: StreamServices,
  { format, principal, document }: StreamRequest,
  describe: () => StreamSpec | Promise<StreamSpec>,
): Promise<Response> {
  // Hono runs GET handlers for HEAD: there is a head to see and no stream to open.
  if (c.req.method === "HEAD") {
    const headers = document ? DOCUMENT_HEADERS : STREAM_HEADERS;
    return c.body(null, 200, { ...headers, "content-type": format.contentType });
  }
  const admission = await admit(c, services, document?.kind ?? format.name, principal);
  if ("reason" in admission) return refuse(c, services, format, admission);
  try {
    const spec = await describe();
    const headers = { ...middlewareHeaders(c), ...spec.headers };
    const response = outgoingOf(c);
    const transport = document
      ? openDocument(response, headers, format, document)
      : HttpStream.open(response, headers, format);
    if (!transport) {
      spec.onClosed?.();
      return RESPONSE_ALREADY_SENT;
    }
    const route = c.req.routePath;
    const startedAt = c.get("startedAt");
    admission.open({
      transport,
      answer: document,
      subscriptions: spec.subscriptions,
      bounds: spec.bounds,
      rangeUrl: spec.rangeUrl,
      merged: spec.merged,
      finite: spec.finite,
      onClosed: spec.onClosed,
      onFirstEvent: () => services.metrics.firstEvent(route, performance.now() - startedAt),
    });
    return RESPONSE_ALREADY_SENT;
  } finally {
    admission.release();
  }
}

function openDocument(
  response: ServerResponse,
  headers: Record<string, string>,
  format: Format,
  { kind, conclude }: DocumentRequest,
): JsonDocument | undefined {
  const withHeaders = (closing: Closing): Conclusion => {
    const conclusion = conclude(closing);
    return { ...conclusion, headers: { ...headers, ...conclusion.headers } };
  };
  return JsonDocument.open(response, { kind, format, conclude: withHeaders });
}

/** What middleware has set (CORS, the request id) goes out with the head that we write ourselves. */
function middlewareHeaders(c: AppContext): Record<string, string> {
  const { vary: _, "content-type": __, ...headers } = Object.fromEntries(c.res.headers);
  return headers;
}
