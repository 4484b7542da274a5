import type { Event } from "../log/event.ts";
import { Batch, BATCH_BYTES, weigh } from "./batch.ts";
import { type End, isBeyond, type PageLimit } from "./bounds.ts";

/** How long one reader's filter may keep the process at a time; the event at hand is still looked at. */
const FILTER_MS = 5;

/** How much of its page a reader may still be given. */
export class Room {
  #events: number;
  #scanned: number;
  #bytes = BATCH_BYTES;
  #empty = true;
  #full = false;

  constructor({ events, scanned }: PageLimit) {
    this.#events = events;
    this.#scanned = scanned;
  }

  get full(): boolean {
    return this.#full || this.#events <= 0 || this.#scanned <= 0;
  }

  /** False where the event does not fit any more; one event always does. */
  take(wanted: boolean, bytes: number): boolean {
    if (wanted && !this.#empty && bytes > this.#bytes) this.#full = true;
    if (this.full) return false;
    this.#scanned--;
    if (wanted) {
      this.#empty = false;
      this.#events--;
      this.#bytes -= bytes;
    }
    return true;
  }
}

/** What a reader takes of a batch at once. */
export interface Selection {
  /** As far as it was gone through; undefined where that is not even its first event. */
  readonly batch: Batch | undefined;
  /** The events of it that the reader wants. */
  readonly wanted: readonly Event[];
  /** The reader is to see no further event of the topic. */
  readonly ended: boolean;
  /** The filter has taken its time: the others are to have their turn before it goes on. */
  readonly tired: boolean;
}

export interface SelectionRules {
  readonly filter: ((event: Event) => boolean) | undefined;
  readonly end: End | undefined;
  readonly room: Room | undefined;
  /** What each event weighs for this reader beside its own weight: the cursor of many topics is long. */
  readonly surchargeBytes: number;
}

/** Goes through a batch for a reader who does not take it as it is: as far as one write's worth, or its end. */
export function select(whole: Batch, rules: SelectionRules): Selection {
  const { filter, end, room, surchargeBytes } = rules;
  const { events } = whole;
  const wanted: Event[] = [];
  const tiresAt = filter ? performance.now() + FILTER_MS : Number.POSITIVE_INFINITY;
  let [index, bytes, ended, tired] = [0, 0, false, false];
  for (; index < events.length && !tired; index++) {
    const event = events[index]!;
    ended = end !== undefined && isBeyond(end, event);
    if (ended) break;
    const weight = weigh(event) + surchargeBytes;
    const isWanted = !filter || filter(event);
    if (isWanted && bytes + weight > BATCH_BYTES && wanted.length > 0) break;
    if (room && !room.take(isWanted, weight)) break;
    if (isWanted) {
      wanted.push(event);
      bytes += weight;
    }
    tired = filter !== undefined && performance.now() > tiresAt;
  }
  const batch =
    index === events.length ? whole : index > 0 ? new Batch(events.slice(0, index)) : undefined;
  return { batch, wanted: filter ? wanted : (batch?.events ?? wanted), ended, tired };
}
