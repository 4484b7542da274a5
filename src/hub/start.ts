import type { EventLog } from "../log/event-log.ts";
import { type Position, samePosition } from "../log/position.ts";
import { kindOf, type Topic } from "../log/topic.ts";
import type { Tail } from "./tail.ts";

/** Where a reader begins. */
export type Start =
  | { readonly kind: "cursor"; readonly position: Position }
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  /** With the last `count` events. */
  | { readonly kind: "tail"; readonly count: number }
  | { readonly kind: "since"; readonly timeMs: number };

/** Where a reader begins who does not say: with what they came to see. */
export function defaultStart(topic: Topic): Start {
  switch (kindOf(topic)) {
    case "status":
      return { kind: "tail", count: 1 };
    case "logs":
      return { kind: "tail", count: 100 };
    case "chat":
    case "command":
      return { kind: "earliest" };
    default:
      return { kind: "latest" };
  }
}

/**
 * Turns a start into a cursor; from the tail where it knows, else from the log.
 * @param head where the log has just been found to end, which the tail may not have heard of yet; undefined = not looked
 */
export async function resolveStart(
  log: EventLog,
  tail: Tail,
  start: Start,
  head?: Position,
): Promise<Position> {
  const latest = head ?? tail.head.position;
  const current = samePosition(latest, tail.head.position);
  switch (start.kind) {
    case "cursor":
      return start.position;
    case "latest":
      return latest;
    case "tail": {
      if (start.count === 0) return latest;
      const known = current ? tail.before(start.count) : undefined;
      return known ?? (await log.last(tail.topic, start.count, head));
    }
    case "earliest":
      return log.since(tail.topic, 0);
    case "since":
      return log.since(tail.topic, start.timeMs);
  }
}
