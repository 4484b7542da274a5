/** How far what a reader was given is from what it should have been given. */
export interface Deviation {
  /** Events that have not come. */
  readonly lost: number;
  /** Events that have come although they had come already. */
  readonly doubled: number;
}

/**
 * One reader's events, held one by one against their numbers, which follow each other as they were published: a lost
 * event and a doubled one do not cancel out. An event that is not in its place counts as lost there, and as doubled
 * where it comes.
 */
export class Ledger {
  #next: number;
  #lost = 0;
  #doubled = 0;

  /** @param first the number of the first event that it should be given */
  constructor(first: number) {
    this.#next = first;
  }

  /** @returns by how many events the reader is further on than before */
  take(number: number): number {
    const ahead = number - this.#next;
    if (ahead < 0) {
      this.#doubled++;
      return 0;
    }
    this.#lost += ahead;
    this.#next = number + 1;
    return ahead + 1;
  }

  /** Of all since it was settled last; whatever has not come by now is lost, and should it come yet, it is doubled. */
  settle(end: number): Deviation {
    const deviation = {
      lost: this.#lost + Math.max(0, end - this.#next),
      doubled: this.#doubled,
    };
    this.#next = Math.max(end, this.#next);
    this.#lost = this.#doubled = 0;
    return deviation;
  }
}

export function sum(deviations: readonly Deviation[]): Deviation {
  return {
    lost: deviations.reduce((total, { lost }) => total + lost, 0),
    doubled: deviations.reduce((total, { doubled }) => total + doubled, 0),
  };
}
