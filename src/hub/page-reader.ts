import type { Event } from "../log/event.ts";
import type { EventLog, ReadLimit, Slice } from "../log/event-log.ts";
import { formatPosition, type Position } from "../log/position.ts";
import type { Topic } from "../log/topic.ts";
import { type Batch, BATCH_BYTES, toBatches, weigh } from "./batch.ts";

/** A page that holds something may only grow; it is shared for so long with readers who come the same way. */
const TTL_MS = 2_000;
const PAGES_MAX = 16;
const EVENTS_MAX = 512;
/** Of an event of a topic that is not known yet, in bytes: on the heavy side, since all that is read too much is thrown away. */
const WEIGHT_SUPPOSED = 2 * 1024;

/** Events after a cursor as read from the log, cut into batches. */
export interface Page {
  readonly batches: readonly Batch[];
  readonly gap: Slice["gap"];
  readonly vacant: boolean;
  readonly retracted: Slice["retracted"];
}

/** Reads one topic page by page: readers who ask for the same page share one read and its batches. */
export class PageReader {
  readonly #log: EventLog;
  readonly #topic: Topic;
  readonly #pages = new Map<string, { page: Promise<Page>; at: number }>();
  #meanWeight = WEIGHT_SUPPOSED;

  constructor(log: EventLog, topic: Topic) {
    this.#log = log;
    this.#topic = topic;
  }

  /** About a batch. Redis limits a read by number only, so the number follows the topic's mean weight. */
  get limit(): ReadLimit {
    const events = Math.ceil(BATCH_BYTES / this.#meanWeight);
    return { events: Math.min(EVENTS_MAX, events), bytes: BATCH_BYTES };
  }

  read(cursor: Position): Promise<Page> {
    const key = formatPosition(cursor);
    const cached = this.#pages.get(key);
    if (cached) return cached.page;
    const page = this.#fetch(cursor, key);
    this.#pages.set(key, { page, at: performance.now() });
    return page;
  }

  async #fetch(cursor: Position, key: string): Promise<Page> {
    let keep = false;
    try {
      const slice = await this.#log.read(this.#topic, cursor, this.limit);
      keep = slice.events.length > 0 && this.#pages.size <= PAGES_MAX;
      this.learn(slice.events);
      const { gap, vacant, retracted } = slice;
      return { batches: toBatches(slice.events), gap, vacant, retracted };
    } finally {
      if (!keep) this.#pages.delete(key);
    }
  }

  /** From what has been read: half of what was thought, so that a few pages are enough to find out. */
  learn(events: readonly Event[]): void {
    if (events.length === 0) return;
    const mean = events.reduce((sum, event) => sum + weigh(event), 0) / events.length;
    this.#meanWeight = (this.#meanWeight + mean) / 2;
  }

  /** Forgets pages that have served their time. */
  expire(now: number): void {
    for (const [key, { at }] of this.#pages) if (now - at > TTL_MS) this.#pages.delete(key);
  }

  /** Forgets all of them: the topic is not what it was. */
  clear(): void {
    this.#pages.clear();
  }
}
