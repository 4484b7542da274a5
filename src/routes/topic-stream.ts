import { accepts } from "hono/accepts";
import { ServiceError } from "../errors.ts";
import { tryCursor } from "../hub/cursor.ts";
import { defaultStart, type Start } from "../hub/start.ts";
import type { Event } from "../log/event.ts";
import { retentionOf, type RetentionTable } from "../log/retention.ts";
import type { Topic } from "../log/topic.ts";
import type { Format } from "../transports/transport.ts";
import { CURSOR_PARAMETERS, type StreamQuery } from "../wire/stream-query.ts";
import type { TopicFormats } from "./topic-formats.ts";
import { openStream, type StreamServices } from "./open-stream.ts";
import type { AppContext } from "./request.ts";
import type { EventLog } from "../log/event-log.ts";
import { samePosition } from "../log/position.ts";

export interface TopicStreamServices extends StreamServices {
  readonly log: EventLog;
  readonly retention: RetentionTable;
  readonly formats: TopicFormats;
}

export interface TopicStreamRequest {
  readonly topics: readonly Topic[];
  readonly query: StreamQuery;
  readonly principal: string;
  /** Events that the reader wants; undefined = all. */
  readonly filter?: ((event: Event) => boolean) | undefined;
  /** Whether the text format is offered, and whether events carry their topic. */
  readonly kind: "logs" | "plain" | "envelope";
}

/** Answers with the events of topics, as the parameters that every topic stream takes ask for. */
export async function topicStream(
  c: AppContext,
  services: TopicStreamServices,
  request: TopicStreamRequest,
): Promise<Response> {
  const { topics, query, principal, filter } = request;
  const format = formatOf(c, services.formats, request);
  const shown = shownCursor(c, query);
  const positions = shown && tryCursor(shown.text, topics);
  if (shown && !positions && shown.source !== "header") {
    throw new ServiceError("invalid-parameter", `${shown.source} is not a cursor of this stream.`, {
      field: shown.source,
    });
  }
  const fallback = startOf(topics, query, services.retention);
  const starts = topics.map((topic): [Topic, Start] => {
    const position = positions?.get(topic);
    return [topic, position ? { kind: "cursor", position } : (fallback ?? defaultStart(topic))];
  });
  // An EventSource whose stream has ended comes back once more: only a 204 lets it rest.
  if (positions && !query.follow && (await isAtHead(services.log, positions).catch(unknownIsNo)))
    return c.body(null, 204);
  return openStream(c, services, { format, principal }, () => ({
    follow: query.follow,
    subscriptions: starts.map(([topic, start]) => ({
      topic,
      start,
      filter,
      unusableCursor: shown !== undefined && !positions,
    })),
  }));
}

/** `format` overrides `Accept`; without either it is SSE. */
function formatOf(
  c: AppContext,
  formats: TopicFormats,
  { query, kind }: TopicStreamRequest,
): Format {
  const offered = [
    "text/event-stream",
    "application/x-ndjson",
    ...(kind === "logs" ? ["text/plain"] : []),
  ];
  const accepted = accepts(c, {
    header: "Accept",
    supports: offered,
    default: "text/event-stream",
  });
  const asked = {
    "text/event-stream": "sse",
    "application/x-ndjson": "ndjson",
    "text/plain": "text",
  } as const;
  const name = query.format ?? asked[accepted as keyof typeof asked];
  if (name !== "text") return formats[kind === "envelope" ? "envelope" : "plain"][name];
  if (kind === "logs") return formats.logText;
  throw new ServiceError("invalid-parameter", "format: text is for logs only.", {
    field: "format",
  });
}

/** The header wins: a client that comes back by itself repeats the URL, but keeps the header fresh. */
function shownCursor(
  c: AppContext,
  query: StreamQuery,
): { text: string; source: string } | undefined {
  const header = c.req.header("last-event-id");
  if (header) return { text: header, source: "header" };
  for (const source of CURSOR_PARAMETERS) {
    const text = query[source];
    if (text) return { text, source };
  }
  return undefined;
}

/** What the query asks for, the same for all topics; undefined = each kind's default. */
function startOf(
  topics: readonly Topic[],
  query: StreamQuery,
  retention: RetentionTable,
): Start | undefined {
  const asked = (["from", "tail", "since"] as const).filter((name) => query[name] !== undefined);
  if (asked.length > 1) {
    throw new ServiceError("invalid-parameter", `${asked.join(" and ")} exclude each other.`, {
      field: asked[1]!,
    });
  }
  if (query.from !== undefined) return { kind: query.from };
  if (query.since !== undefined) return { kind: "since", timeMs: query.since };
  if (query.tail === undefined) return undefined;
  const most = Math.min(
    ...topics.map((topic) => retentionOf(retention, topic).count || Number.POSITIVE_INFINITY),
  );
  if (query.tail > most) {
    throw new ServiceError("invalid-parameter", `tail may be at most ${most}: no more is kept.`, {
      field: "tail",
    });
  }
  return { kind: "tail", count: query.tail };
}

/** Where the log cannot say, the stream opens and waits: an EventSource would die of a 503. */
function unknownIsNo(error: unknown): false {
  if (error instanceof ServiceError && error.code === "log-unavailable") return false;
  throw error;
}

async function isAtHead(
  log: EventLog,
  positions: ReadonlyMap<Topic, { ms: number; n: number }>,
): Promise<boolean> {
  const heads = await Promise.all(
    [...positions].map(async ([topic, at]) => samePosition((await log.head(topic)).position, at)),
  );
  return heads.every(Boolean);
}
