import { createHash } from "node:crypto";
import { formatPosition, type Position, tryPosition } from "../log/position.ts";
import type { Topic } from "../log/topic.ts";

/**
 * The wire cursor: what a reader echoes in `Last-Event-ID`. A short hash of its topics, a dot, and the position of each
 * topic in the topics' sorted order: `x3fk2a9.1763710000123-8,0-0`. The hash keeps the cursor of one stream from being
 * taken for that of another.
 */
export function cursorPrefix(sortedTopics: readonly Topic[]): string {
  const digest = createHash("sha1").update(sortedTopics.join("\n")).digest();
  return `x${digest.readUIntBE(0, 4).toString(36)}.`;
}

export function formatCursor(positions: ReadonlyMap<Topic, Position>): string {
  const topics = [...positions.keys()].sort();
  return (
    cursorPrefix(topics) + topics.map((topic) => formatPosition(positions.get(topic)!)).join(",")
  );
}

/**
 * The positions that a wire cursor names, or undefined where it is garbage or of other topics. A reader of one topic may
 * also show a bare position, as a publish answers it.
 */
export function tryCursor(
  text: string,
  topics: readonly Topic[],
): Map<Topic, Position> | undefined {
  const sorted = [...topics].sort();
  const bare = sorted.length === 1 ? tryPosition(text) : undefined;
  if (bare) return new Map([[sorted[0]!, bare]]);
  const prefix = cursorPrefix(sorted);
  if (!text.startsWith(prefix)) return undefined;
  const parts = text.slice(prefix.length).split(",");
  if (parts.length !== sorted.length) return undefined;
  const positions = new Map<Topic, Position>();
  for (const [index, part] of parts.entries()) {
    const position = tryPosition(part);
    if (!position) return undefined;
    positions.set(sorted[index]!, position);
  }
  return positions;
}
