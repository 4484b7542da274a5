import type { Event } from "../log/event.ts";
import { comparePositions, type Position, samePosition } from "../log/position.ts";
import { weigh } from "./batch.ts";

/** What an event costs in memory beside its data, measured: the object, its position and id, and their places. */
const EVENT_BYTES = 450;

/** What a ring holds with an event, in bytes of memory: V8 keeps text that is not all of Latin-1 at two bytes a unit. */
export function footprintOf({ data, bytes }: Event): number {
  return EVENT_BYTES + (bytes === data.length ? bytes : 2 * data.length);
}

/** What all rings of a process may hold together, in bytes of memory. */
export class RingBudget {
  readonly #maxBytes: number;
  /** Those that hold something, the one that has grown most recently last. */
  readonly #rings = new Set<Ring>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A ring that grows beyond the budget pays for it itself; what its newest event still exceeds, the quietest pay. */
  grown(ring: Ring, bytes: number): void {
    this.#bytes += bytes;
    this.#rings.delete(ring);
    this.#rings.add(ring);
    while (this.#bytes > this.#maxBytes && ring.length > 1) ring.evict();
    for (const quietest of this.#rings) {
      if (this.#bytes <= this.#maxBytes || quietest === ring) break;
      while (this.#bytes > this.#maxBytes && quietest.length > 0) quietest.evict();
    }
  }

  freed(ring: Ring, bytes: number): void {
    this.#bytes -= bytes;
    if (ring.length === 0) this.#rings.delete(ring);
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
    this.#budget.grown(this, footprintOf(event));
    while (this.length > this.#capacity) this.evict();
    if (this.#first > this.#capacity) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Lets the oldest go. */
  evict(): void {
    const event = this.#events[this.#first]!;
    this.#base = event.position;
    // Lets the event go before the next compaction.
    this.#events[this.#first++] = undefined as unknown as Event;
    this.#budget.freed(this, footprintOf(event));
  }

  /** Starts over, at another place or in another incarnation. */
  reset(base: Position): void {
    while (this.length > 0) this.evict();
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
