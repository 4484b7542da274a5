import type { Slice } from "./event-log.ts";
import { comparePositions, ORIGIN, type Position, samePosition } from "./position.ts";

/** What the anchor rule needs to know of an entry. */
export interface Anchorable {
  readonly position: Position;
  readonly born: number;
}

/** How an absent cursor relates to what the log holds; `end` = it stands beyond, and nothing comes after it. */
export type Join = { readonly from: "after" | "earliest" | "end"; readonly gap: Slice["gap"] };

/**
 * The anchor rule, for a cursor whose own entry is not there: do the next entries join on, and if not, what was lost?
 *
 * A position alone proves nothing: after a flush, an expiry or a failover the same number may stand for another event.
 * So numbers count only within an incarnation, and a cursor that cannot be placed is a `reset`.
 *
 * A promoted replica has a prefix of what its master had. A reader who stands beyond its end has seen all of it: to read
 * from the earliest would give each reader of the topic its whole history a second time after each failover.
 *
 * @param first the first entry retained
 * @param next the first entry after the cursor in log order, if any
 * @param last the last entry
 */
export function joinAbsent(
  cursor: Position,
  first: Anchorable,
  next: Anchorable | undefined,
  last: Anchorable,
): Join {
  if (samePosition(cursor, ORIGIN)) return fromFirst(cursor, first);
  if (cursor.ms < first.born) return { from: "earliest", gap: { reason: "reset", missed: null } };
  if (comparePositions(cursor, first.position) < 0) return fromFirst(cursor, first);
  const reset = { reason: "reset", missed: null } as const;
  // With a higher number at an earlier time, the last one was issued by a clock that is behind: nothing can be placed.
  if (!next) return { from: last.position.n > cursor.n ? "earliest" : "end", gap: reset };
  // The cursor of a gap stands just before its `to`, where no entry is.
  const joins = next.position.ms === cursor.ms && next.position.n === cursor.n + 1;
  return { from: "after", gap: joins ? undefined : reset };
}

function fromFirst(cursor: Position, first: Anchorable): Join {
  const missed = first.position.n - cursor.n - 1;
  if (missed === 0) return { from: "earliest", gap: undefined };
  if (missed < 0) return { from: "earliest", gap: { reason: "reset", missed: null } };
  return { from: "earliest", gap: { reason: "trimmed", missed } };
}
