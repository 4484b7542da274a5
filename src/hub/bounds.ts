import type { Event } from "../log/event.ts";
import { comparePositions, type Position, samePosition } from "../log/position.ts";

/** Where one topic's events end for a reader; without any of these they never do. */
export interface End {
  /** Only events from before this time of the log's clock, in ms since the epoch. */
  readonly untilMs?: number | undefined;
  /** Only events that stand before this position. */
  readonly before?: Position | undefined;
  /** Only events up to this position, which is the newest one's. */
  readonly last?: Position | undefined;
}

/** True of an event that the reader is not to see, nor any after it. */
export function isBeyond(end: End, { position }: Event): boolean {
  const { untilMs, before, last } = end;
  return (
    (untilMs !== undefined && position.ms >= untilMs) ||
    (before !== undefined && comparePositions(position, before) >= 0) ||
    (last !== undefined && comparePositions(position, last) > 0)
  );
}

/** True of a cursor after which nothing is to come, as far as the cursor alone can tell. */
export function isReached({ last }: End, cursor: Position): boolean {
  return last !== undefined && samePosition(cursor, last);
}

/** What one document may hold. A reader who has been given so much is done, wherever the topics end. */
export interface PageLimit {
  /** Events that are wanted. */
  readonly events: number;
  /** Events that are looked at, wanted or not: a filter that lets nothing through must not search for ever. */
  readonly scanned: number;
}

/** What ends a reader. */
export interface Bounds {
  /** Ends at what is the newest when the reader begins. */
  readonly atHead?: boolean | undefined;
  /** Ends with the last event before this time of the log's clock, once no such event can come any more. */
  readonly untilMs?: number | undefined;
  readonly page?: PageLimit | undefined;
}
