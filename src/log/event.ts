import { formatPosition, type Position } from "./position.ts";
import type { Topic } from "./topic.ts";

/** One immutable entry of a topic. */
export interface Event {
  readonly topic: Topic;
  readonly position: Position;
  /** The position as text. */
  readonly id: string;
  /** The ms of the first event of this incarnation of the topic. */
  readonly born: number;
  readonly type: string;
  /** JSON text, encoded once, by the publisher's route. */
  readonly data: string;
  /** Of the data as UTF-8. */
  readonly bytes: number;
  /** True of the entry that closed its topic: nothing follows it. */
  readonly last: boolean;
}

/** What a publisher hands in. */
export interface EventDraft {
  readonly type: string;
  /** JSON text. */
  readonly data: string;
}

export function createEvent(
  topic: Topic,
  position: Position,
  born: number,
  draft: EventDraft,
  last: boolean,
): Event {
  return {
    topic,
    position,
    id: formatPosition(position),
    born,
    type: draft.type,
    data: draft.data,
    bytes: Buffer.byteLength(draft.data),
    last,
  };
}
