import type { Event } from "../log/event.ts";
import { type Head, NO_HEAD } from "../log/event-log.ts";
import { comparePositions, ORIGIN, type Position, samePosition } from "../log/position.ts";

/** The newest event that a tail has accepted: what joins on to it, and what must not come back. */
export class Tip {
  #head: Head = NO_HEAD;
  /** The newest that the log no longer had when it was read: no doorbell may bring back what is up to here. */
  #gone: Position = ORIGIN;

  get head(): Head {
    return this.#head;
  }

  /**
   * Whether an event that a doorbell brings stands right behind the newest: by what it followed in the log, since a
   * failover lets numbers be issued twice, and by its time, since a doorbell of the old master may come late.
   */
  joins(event: Event, after: Position): boolean {
    const { position, born } = this.#head;
    if (!samePosition(after, position) || (born !== 0 && event.born !== born)) return false;
    return comparePositions(event.position, this.#gone) > 0;
  }

  advance({ position, born, last }: Event): void {
    this.#head = { position, born, closed: last };
  }

  /** The log goes on elsewhere: what was accepted behind that is gone. */
  moveTo(head: Head): void {
    const { position } = this.#head;
    if (comparePositions(position, this.#gone) > 0) this.#gone = position;
    this.#head = head;
  }
}
