import type { Event } from "../log/event.ts";
import type { Position } from "../log/position.ts";

/** The most data that a reader is given at once, in bytes; one larger event makes a batch of its own. */
export const BATCH_BYTES = 64 * 1024;

/** What an event weighs in batches: its data, and as much as any frame of it adds for a reader of one topic. */
export function weigh({ bytes, type, topic }: Event): number {
  return bytes + type.length + topic.length + 128;
}

/** What each further topic of a reader adds to a frame at most: a position in the cursor. */
export const POSITION_BYTES = 26;

/**
 * Consecutive events of one topic, and their encodings: made once, whatever the number of readers. Readers at the same
 * position get the same Batch, and so the same Buffer.
 */
export class Batch {
  /** Not empty. */
  readonly events: readonly Event[];
  /** The position of its last event: the cursor of whoever has taken it. */
  readonly end: Position;
  /** True where its last event closes the topic. */
  readonly last: boolean;
  #encodings: Map<object, unknown> | undefined;

  constructor(events: readonly Event[]) {
    this.events = events;
    // Read once for each reader, and so kept at hand.
    const newest = events.at(-1)!;
    this.end = newest.position;
    this.last = newest.last;
  }

  /** The encoding under `key`, made at the first call. */
  once<T>(key: object, make: (events: readonly Event[]) => T): T {
    this.#encodings ??= new Map();
    let encoding = this.#encodings.get(key) as T | undefined;
    if (encoding === undefined) this.#encodings.set(key, (encoding = make(this.events)));
    return encoding;
  }
}

/** Cuts consecutive events into batches of at most BATCH_BYTES, or of one larger event. */
export function toBatches(events: readonly Event[]): Batch[] {
  const batches: Batch[] = [];
  let [from, bytes] = [0, 0];
  for (let i = 0; i < events.length; i++) {
    const weight = weigh(events[i]!);
    if (bytes + weight > BATCH_BYTES && i > from) {
      batches.push(new Batch(events.slice(from, i)));
      [from, bytes] = [i, 0];
    }
    bytes += weight;
  }
  if (from < events.length) batches.push(new Batch(from === 0 ? events : events.slice(from)));
  return batches;
}
