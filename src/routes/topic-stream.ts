import type { Event } from "../log/event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { RetentionTable } from "../log/retention.ts";
import type { Topic } from "../log/topic.ts";
import type { SubscriptionRequest } from "../hub/subscription.ts";
import type { StreamQuery } from "../wire/stream-query.ts";
import { answerOrDefer } from "./admit.ts";
import { documentOf, pageOf } from "./document.ts";
import { openStream, type StreamServices } from "./open-stream.ts";
import { rangeUrlOf } from "./range-url.ts";
import { type AppContext, queryOf } from "./request.ts";
import { hasSeenAll } from "./stream-end.ts";
import { formatOf, type StreamKind } from "./stream-format.ts";
import { excludes, rangeOf } from "./stream-range.ts";
import type { TopicFormats } from "./topic-formats.ts";

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
  /** Of a reader who falls behind. */
  readonly overflow?: SubscriptionRequest["overflow"];
  readonly kind: StreamKind;
  /** Throws where the caller may not read them. */
  readonly requireReadable?: () => Promise<void>;
}

/** Answers with the events of topics, as the parameters that every topic stream takes ask for. */
export async function topicStream(
  c: AppContext,
  services: TopicStreamServices,
  { topics, query, principal, filter, overflow, kind, requireReadable }: TopicStreamRequest,
): Promise<Response> {
  const format = formatOf(c, services.formats, query, kind);
  const document = documentOf(c, format, query);
  // A document does not fall behind: it is as long as it may be, and its `Link` has the rest.
  if (document && overflow === "drop")
    throw excludes(query.wait === undefined ? "format=json" : "wait", "overflow=drop");
  const range = rangeOf(c, topics, query, services.retention, document !== undefined);
  const follow = query.follow ?? document?.kind !== "json";
  // Who turns pages knows the last one by what it says.
  const mayRest = document?.kind !== "json";
  return answerOrDefer(c, services, format, async () => {
    await requireReadable?.();
    if (mayRest && (await hasSeenAll(services.log, range, follow))) return c.body(null, 204);
    return openStream(c, services, { format, principal, document }, () => ({
      bounds: { atHead: !follow, untilMs: range.untilMs, page: document && pageOf(query) },
      subscriptions: range.subscriptions.map((subscription) => ({
        ...subscription,
        filter,
        overflow,
      })),
      rangeUrl: rangeUrlOf("", queryOf(c), kind === "envelope"),
    }));
  });
}
