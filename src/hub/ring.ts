import type { Event } from "../log/event.ts";
import { comparePositions, type Position, samePosition } from "../log/position.ts";
import { weigh } from "./batch.ts";

/** What all rings of a process may hold together, in bytes. */
export class RingBudget {
  readonly maxBytes: number;
  bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }
}

/** The recent events of one topic: consecutive, of one incarnation, bounded in number and by the process' budget. */
export class Ring {
  readonly #capacity: number;
  readonly #budget: RingBudget;
  #events: Event[] = [];
  /** Index of the first event held; what is before it has been evicted and awaits the next compaction. */
  #first = 0;
  #base: Position;

  /** @param base the position just before the first event that will be pushed */
  constructor(capacity: number, budget: RingBudget, base: Position) {
    this.#capacity = capacity;
    this.#budget = budget;
    this.#base = base;
  }

  get length(): number {
    return this.#events.length - this.#first;
  }

  get newest(): Event | undefined {
    return this.length > 0 ? this.#events.at(-1) : undefined;
  }

  /** Takes the event that follows the newest. */
  push(event: Event): void {
    this.#events.push(event);
    this.#budget.bytes += weigh(event);
    while (
      this.length > this.#capacity ||
      (this.#budget.bytes > this.#budget.maxBytes && this.length > 1)
    ) {
      this.#evict();
    }
    if (this.#first > this.#capacity) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
  }

  #evict(): void {
    const event = this.#events[this.#first]!;
    this.#budget.bytes -= weigh(event);
    this.#base = event.position;
    // Lets the event go before the next compaction.
    this.#events[this.#first++] = undefined as unknown as Event;
  }

  /** Starts over, at another place or in another incarnation. */
  reset(base: Position): void {
    for (let i = this.#first; i < this.#events.length; i++)
      this.#budget.bytes -= weigh(this.#events[i]!);
    this.#events = [];
    this.#first = 0;
    this.#base = base;
  }

  /** Whether the event is one of these, or older than all of them. */
  knows({ position }: Event): boolean {
    const first = this.#events[this.#first];
    if (!first) return false;
    const index = this.#first + position.n - first.position.n;
    if (index < this.#first) return comparePositions(position, first.position) < 0;
    const held = this.#events[index];
    return held !== undefined && samePosition(held.position, position);
  }

  /** True where the ring knows what comes after the cursor. */
  holds(cursor: Position): boolean {
    return this.#indexAfter(cursor) !== undefined;
  }

  /** The events after a cursor that it holds, at most `maxBytes` of them, or one. */
  after(cursor: Position, maxBytes: number): readonly Event[] {
    const from = this.#indexAfter(cursor) ?? this.#events.length;
    let to = from;
    for (let bytes = 0; to < this.#events.length; to++) {
      bytes += weigh(this.#events[to]!);
      if (bytes > maxBytes && to > from) break;
    }
    return this.#events.slice(from, to);
  }

  /** The cursor from which the last `count` events come next; undefined where that is before the ring. */
  before(count: number): Position | undefined {
    const index = this.#events.length - count;
    if (index < this.#first) return undefined;
    return index === this.#first ? this.#base : this.#events[index - 1]!.position;
  }

  #indexAfter(cursor: Position): number | undefined {
    if (samePosition(cursor, this.#base)) return this.#first;
    const first = this.#events[this.#first];
    if (!first) return undefined;
    const index = this.#first + cursor.n - first.position.n;
    const anchor = index >= this.#first ? this.#events[index] : undefined;
    return anchor && samePosition(anchor.position, cursor) ? index + 1 : undefined;
  }
}
