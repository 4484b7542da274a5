import { formatPosition, type Position } from "../log/position.ts";
import type { Topic } from "../log/topic.ts";

/** What decides which events of a topic a reader is shown, and whose they are. */
const KEPT = new Set(["user", "level", "source", "grep", "not", "regex"]);

/** Where what stands between two positions of a topic, neither of them included, is to be had. */
export type RangeUrl = (topic: Topic, from: Position, to: Position) => string;

/**
 * A URL for exactly the events that a reader has been spared: with the reader's own filters, whole, and ending by itself.
 * @param path of the stream, without a query; "" = that of the request: relative to it, the URL is right behind a gateway
 *   that has cut a prefix off the path
 * @param query the reader's own
 * @param named whether the path leaves it to `topic` in the query which topic it is
 */
export function rangeUrlOf(path: string, query: URLSearchParams, named: boolean): RangeUrl {
  const kept = [...query].filter(([name]) => KEPT.has(name));
  return (topic, from, to) => {
    const params = new URLSearchParams(named ? [["topic", topic], ...kept] : kept);
    params.append("format", "ndjson");
    params.append("last_event_id", formatPosition(from));
    params.append("before", formatPosition(to));
    params.append("follow", "false");
    return `${path}?${params.toString()}`;
  };
}
