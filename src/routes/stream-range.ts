import { ServiceError } from "../errors.ts";
import { tryCursor } from "../hub/cursor.ts";
import { defaultStart, type Start } from "../hub/start.ts";
import type { SubscriptionRequest } from "../hub/subscription.ts";
import type { Position } from "../log/position.ts";
import { retentionOf, type RetentionTable } from "../log/retention.ts";
import type { Topic } from "../log/topic.ts";
import { CURSOR_PARAMETERS, type StreamQuery } from "../wire/stream-query.ts";
import type { AppContext } from "./request.ts";

/** From where to where a stream reads. */
export interface StreamRange {
  /** One for each topic, as far as the range says. */
  readonly subscriptions: readonly SubscriptionRequest[];
  /** What the cursor that the client has shown says; undefined without one, or where it cannot be used. */
  readonly positions: ReadonlyMap<Topic, Position> | undefined;
  /** Only events from before this time of the log's clock. */
  readonly untilMs: number | undefined;
}

/**
 * @param turnsPages whether it is one document that is asked for, whose next is asked for by another URL
 * @throws ServiceError `invalid-parameter`
 */
export function rangeOf(
  c: AppContext,
  topics: readonly Topic[],
  query: StreamQuery,
  retention: RetentionTable,
  turnsPages: boolean,
): StreamRange {
  const shown = shownCursor(c, query, turnsPages);
  const positions = shown && tryCursor(shown.text, topics);
  // A header is repeated by itself: it must not kill the client that repeats it.
  if (shown && !positions && shown.source !== "header") throw notACursor(shown.source);
  const before = query.before === undefined ? undefined : tryCursor(query.before, topics);
  if (query.before !== undefined && !before) throw notACursor("before");
  const start = startOf(topics, query, retention);
  const startAt = (topic: Topic): Start => {
    const position = positions?.get(topic);
    return position ? { kind: "cursor", position } : (start ?? defaultStart(topic));
  };
  return {
    subscriptions: topics.map((topic) => ({
      topic,
      start: startAt(topic),
      unusableCursor: shown !== undefined && !positions,
      before: before?.get(topic),
    })),
    positions,
    untilMs: query.until,
  };
}

/**
 * Of a stream the header wins: a client that comes back by itself repeats the URL, but keeps the header fresh. Of a
 * document it is the other way round: who follows `Link` with the same headers would be given the same page for ever.
 */
function shownCursor(
  c: AppContext,
  query: StreamQuery,
  turnsPages: boolean,
): { text: string; source: string } | undefined {
  const header = { text: c.req.header("last-event-id"), source: "header" };
  const parameters = CURSOR_PARAMETERS.map((source) => ({ text: query[source], source }));
  for (const { text, source } of turnsPages ? [...parameters, header] : [header, ...parameters])
    if (text) return { text, source };
  return undefined;
}

function notACursor(field: string): ServiceError {
  return new ServiceError("invalid-parameter", `${field} is not a cursor of this stream.`, {
    field,
  });
}

/** What the query asks for, the same for all topics; undefined = each kind's default. */
function startOf(
  topics: readonly Topic[],
  query: StreamQuery,
  retention: RetentionTable,
): Start | undefined {
  const asked = (["from", "tail", "since"] as const).filter((name) => query[name] !== undefined);
  if (asked.length > 1) throw excludes(asked[0]!, asked[1]!);
  const ends = (["until", "before"] as const).filter((name) => query[name] !== undefined);
  // The last so many before an end would be others than the last so many of the topic: nobody is to guess which.
  if (query.tail !== undefined && ends.length > 0) throw excludes("tail", ends[0]!);
  if (query.since !== undefined && query.until !== undefined && query.since > query.until) {
    throw new ServiceError("invalid-parameter", "since must not be later than until.", {
      field: "since",
    });
  }
  // What has a position by now is never the latest.
  if (query.from === "latest" && query.before !== undefined)
    throw excludes("from=latest", "before");
  if (query.from !== undefined) return { kind: query.from };
  if (query.since !== undefined) return { kind: "since", timeMs: query.since };
  if (query.tail === undefined) return ends.length > 0 ? { kind: "earliest" } : undefined;
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

/** Two parameters of which one makes no sense beside the other. */
export function excludes(first: string, second: string): ServiceError {
  return new ServiceError("invalid-parameter", `${first} and ${second} exclude each other.`, {
    field: second.split("=")[0]!,
  });
}
