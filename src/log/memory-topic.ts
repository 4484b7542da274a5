import { ServiceError } from "../errors.ts";
import { joinAbsent } from "./anchor.ts";
import { createEvent, type Event, type EventDraft } from "./event.ts";
import {
  type Appended,
  type AppendOptions,
  type Head,
  NO_HEAD,
  type ReadLimit,
  retractedTo,
  type Slice,
  VACANT,
} from "./event-log.ts";
import { comparePositions, ORIGIN, type Position, samePosition } from "./position.ts";
import type { Topic } from "./topic.ts";

/** One topic of the memory log: its entries and the state that the append script keeps in Redis. */
export class MemoryTopic {
  readonly topic: Topic;
  #events: Event[] = [];
  #bytes = 0;
  #fence = 0;
  #token: { token: string; first: Position; count: number } | undefined;
  /** When it was last appended to, in ms since the epoch. */
  touchedAt = 0;

  constructor(topic: Topic) {
    this.topic = topic;
  }

  get head(): Head {
    const last = this.#events.at(-1);
    return last ? { position: last.position, born: last.born, closed: last.last } : NO_HEAD;
  }

  /** Of the data of what is retained. */
  get bytes(): number {
    return this.#bytes;
  }

  append(
    drafts: readonly EventDraft[],
    options: AppendOptions,
    now: number,
  ): { events: Event[]; appended: Appended } {
    const { fence } = options;
    if (fence && this.#events.length === 0)
      throw new ServiceError("fenced-off", `${this.topic} is gone.`);
    if (fence && fence.number < this.#fence) {
      throw new ServiceError(
        "fenced-off",
        `Writer ${fence.number} has been replaced by ${this.#fence}.`,
      );
    }
    if (fence && this.#token?.token === fence.token) {
      const { first, count } = this.#token;
      return { events: [], appended: { first, count, repeated: true, done: count } };
    }
    if (fence?.previous !== undefined && this.#token?.token !== fence.previous)
      throw new ServiceError("fenced-off", `The last append to ${this.topic} is gone.`);
    const head = this.head;
    if (head.closed) throw new ServiceError("topic-closed", `${this.topic} is closed.`);
    const ms = Math.max(now, head.position.ms);
    const born = head.born || ms;
    const events = drafts.map((draft, index) =>
      createEvent(
        this.topic,
        { ms, n: head.position.n + 1 + index },
        born,
        draft,
        options.close === true && index === drafts.length - 1,
      ),
    );
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += event.bytes;
    }
    this.touchedAt = now;
    const first = { ms, n: head.position.n + 1 };
    if (fence) {
      this.#fence = fence.number;
      this.#token = { token: fence.token, first, count: events.length };
    }
    return {
      events,
      appended: { first, count: events.length, repeated: false, done: events.length },
    };
  }

  /** Drops the oldest beyond `keep`, in strides, because each costs a copy of what stays. */
  trim(keep: number): void {
    if (this.#events.length > keep + Math.max(16, keep >> 3))
      this.#drop(this.#events.length - keep);
  }

  /** Drops the oldest until `bytes` of data are freed; the newest stays. */
  free(bytes: number): void {
    let count = 0;
    for (let freed = 0; freed < bytes && count < this.#events.length - 1; count++) {
      freed += this.#events[count]!.bytes;
    }
    this.#drop(count);
  }

  #drop(count: number): void {
    for (const event of this.#events.splice(0, count)) this.#bytes -= event.bytes;
  }

  read(after: Position | "earliest", limit: ReadLimit): Slice {
    const first = this.#events[0];
    if (!first) return VACANT;
    if (after === "earliest") return this.#slice(0, undefined, limit);
    const anchor = after.n - first.position.n;
    const entry = this.#events[anchor];
    if (entry && samePosition(entry.position, after))
      return this.#slice(anchor + 1, undefined, limit);
    const next = this.#firstAfter(after);
    const join = joinAbsent(after, first, this.#events[next], this.#events.at(-1)!);
    if (join.from === "end") return retractedTo(this.head);
    return this.#slice(join.from === "after" ? next : 0, join.gap, limit);
  }

  /** The cursor from which the event at `index` comes next. */
  #before(index: number): Position {
    const previous = this.#events[index - 1];
    if (previous) return previous.position;
    const first = this.#events[0];
    return first ? { ms: first.position.ms, n: first.position.n - 1 } : ORIGIN;
  }

  since(timeMs: number): Position {
    return this.#before(this.#firstAfter({ ms: timeMs, n: -1 }));
  }

  last(count: number, upTo?: Position): Position {
    const end = upTo ? this.#firstAfter(upTo) : this.#events.length;
    return end === 0 && upTo ? upTo : this.#before(Math.max(0, end - count));
  }

  /** Index of the first entry after the position, by bisection. */
  #firstAfter(position: Position): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (comparePositions(this.#events[middle]!.position, position) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #slice(from: number, gap: Slice["gap"], limit: ReadLimit): Slice {
    let bytes = 0;
    let to = from;
    while (to < this.#events.length && to - from < limit.events) {
      bytes += this.#events[to]!.bytes;
      if (bytes > limit.bytes && to > from) break;
      to++;
    }
    const more = to < this.#events.length;
    return {
      events: this.#events.slice(from, to),
      gap: to > from ? gap : undefined,
      more,
      vacant: false,
    };
  }
}
