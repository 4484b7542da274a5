import type { Event } from "./event.ts";

/** Of the events that each of the two generations has something of. */
const GENERATION_BYTES = 512 * 1024;
/** What an event counts beside its data. */
const EVENT_BYTES = 256;

/**
 * What is made of an event (a frame, a parsed line), kept for the readers who ask for the same next: those of the same
 * batch, and those who come shortly after one another.
 *
 * It is not kept for as long as the event is: rings would hold every event several times over, and their budget counts
 * it once.
 */
export class EventMemo<T extends object> {
  readonly #make: (event: Event) => T;
  #young = new WeakMap<Event, T>();
  #old = new WeakMap<Event, T>();
  #bytes = 0;

  constructor(make: (event: Event) => T) {
    this.#make = make;
  }

  /** Made now, or lately. */
  of(event: Event): T {
    const known = this.#young.get(event);
    if (known) return known;
    const made = this.#old.get(event) ?? this.#make(event);
    if (this.#bytes > GENERATION_BYTES) {
      this.#old = this.#young;
      this.#young = new WeakMap();
      this.#bytes = 0;
    }
    this.#bytes += event.bytes + EVENT_BYTES;
    this.#young.set(event, made);
    return made;
  }
}
