import { accepts } from "hono/accepts";
import { ServiceError } from "../errors.ts";
import type { Format } from "../transports/transport.ts";
import type { StreamQuery } from "../wire/stream-query.ts";
import { excludes } from "./stream-range.ts";
import type { AppContext } from "./request.ts";
import type { TopicFormats } from "./topic-formats.ts";

/** What a stream carries: whether its events say their topic, and whether it can be read as plain text. */
export type StreamKind = "logs" | "plain" | "envelope";

const BY_MEDIA_TYPE = {
  "text/event-stream": "sse",
  "application/x-ndjson": "ndjson",
  "text/plain": "text",
  "application/json": "json",
} as const;

type MediaType = keyof typeof BY_MEDIA_TYPE;

/** `wait` asks for a document and `format` overrides `Accept`; without any of them it is SSE. @throws ServiceError `invalid-parameter` */
export function formatOf(
  c: AppContext,
  formats: TopicFormats,
  query: StreamQuery,
  kind: StreamKind,
): Format {
  const supports = (Object.keys(BY_MEDIA_TYPE) as MediaType[]).filter(
    (type) => kind === "logs" || BY_MEDIA_TYPE[type] !== "text",
  );
  const accepted = accepts(c, { header: "Accept", supports, default: "text/event-stream" });
  if (query.wait !== undefined && query.format !== undefined && query.format !== "json")
    throw excludes(`format=${query.format}`, "wait");
  const name =
    query.wait !== undefined ? "json" : (query.format ?? BY_MEDIA_TYPE[accepted as MediaType]);
  if (name !== "text") return formats[kind === "envelope" ? "envelope" : "plain"][name];
  if (kind === "logs") return formats.logText;
  throw new ServiceError("invalid-parameter", "format: text is for logs only.", {
    field: "format",
  });
}
