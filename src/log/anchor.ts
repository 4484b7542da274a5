import type { Slice } from "./event-log.ts";
import { comparePositions, ORIGIN, type Position, samePosition } from "./position.ts";

/** What the anchor rule needs to know of an entry. */
export interface Anchorable {
  readonly position: Position;
  readonly born: number;
}

/** How an absent cursor relates to what the log holds. */
export type Join = { readonly from: "after" | "earliest"; readonly gap: Slice["gap"] };

/**
 * The anchor rule, for a cursor whose own entry is not there: do the next entries join on, and if not, what was lost?
 *
 * A position alone proves nothing: after a flush, an expiry or a failover the same number may stand for another event.
 * So numbers count only within an incarnation, and a cursor that cannot be placed is a `reset`.
 *
 * @param first the first entry retained
 * @param next the first entry after the cursor in log order, if any
 */
export function joinAbsent(
  cursor: Position,
  first: Anchorable,
  next: Anchorable | undefined,
): Join {
  if (samePosition(cursor, ORIGIN)) return fromFirst(cursor, first);
  if (cursor.ms < first.born) return { from: "earliest", gap: { reason: "reset", missed: null } };
  if (comparePositions(cursor, first.position) < 0) return fromFirst(cursor, first);
  if (!next) return { from: "earliest", gap: { reason: "reset", missed: null } };
  // The cursor of a gap stands just before its `to`, where no entry is.
  const joins = next.position.ms === cursor.ms && next.position.n === cursor.n + 1;
  return { from: "after", gap: joins ? undefined : { reason: "reset", missed: null } };
}

function fromFirst(cursor: Position, first: Anchorable): Join {
  const missed = first.position.n - cursor.n - 1;
  if (missed === 0) return { from: "earliest", gap: undefined };
  if (missed < 0) return { from: "earliest", gap: { reason: "reset", missed: null } };
  return { from: "earliest", gap: { reason: "trimmed", missed } };
}
