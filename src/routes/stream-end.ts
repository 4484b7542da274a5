import { ServiceError } from "../errors.ts";
import { isBeyond } from "../hub/bounds.ts";
import type { SubscriptionRequest } from "../hub/subscription.ts";
import type { EventLog } from "../log/event-log.ts";
import { ORIGIN, samePosition } from "../log/position.ts";
import { canClose } from "../log/topic.ts";
import type { StreamRange } from "./stream-range.ts";

/**
 * Whether a client who comes back has seen all that there will be: the range has come to its end, or the topics are
 * closed. An EventSource whose stream has ended comes back once more, and only a 204 lets it rest.
 */
export async function hasSeenAll(
  log: EventLog,
  range: StreamRange,
  follow: boolean,
): Promise<boolean> {
  if (!range.positions) return false;
  const mayEnd = range.subscriptions.every(
    ({ topic, before }) =>
      !follow || range.untilMs !== undefined || before !== undefined || canClose(topic),
  );
  // Most streams never end: their clients, who may come back by the thousand, cost the log nothing here.
  if (!mayEnd) return false;
  try {
    const seen = await Promise.all(
      range.subscriptions.map((subscription) => hasEnded(log, range, follow, subscription)),
    );
    return seen.every(Boolean);
  } catch (error) {
    // Where the log cannot say, the stream opens and waits: an EventSource would die of a 503.
    if (error instanceof ServiceError && error.code === "log-unavailable") return false;
    throw error;
  }
}

async function hasEnded(
  log: EventLog,
  { positions, untilMs }: StreamRange,
  follow: boolean,
  { topic, before }: SubscriptionRequest,
): Promise<boolean> {
  const cursor = positions!.get(topic)!;
  // The clock first: what is appended after this look at it is not of the range.
  const over = !follow || (untilMs !== undefined && (await log.now(topic)) >= untilMs);
  const { events, gap, vacant, retracted } = await log.read(topic, cursor, { events: 1, bytes: 1 });
  // There is something to tell.
  if (gap || retracted) return false;
  const [next] = events;
  if (next) return isBeyond({ untilMs, before }, next);
  if (vacant) return over && samePosition(cursor, ORIGIN);
  return over || (canClose(topic) && (await log.head(topic)).closed);
}
