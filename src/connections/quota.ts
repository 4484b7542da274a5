/**
 * How many each key has, and whether it may have one more. Keys that have none are forgotten, so that memory follows
 * those who are here and not those who ever were.
 */
export class Quota {
  readonly #limit: number;
  readonly #taken = new Map<string, number>();

  /** @param limit for each key; 0 = none, and nothing is counted */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Keys that have any. */
  get size(): number {
    return this.#taken.size;
  }

  /** False where the key has as many as it may: then nothing has been taken. */
  tryTake(key: string): boolean {
    if (this.#limit === 0) return true;
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.#limit) return false;
    this.#taken.set(key, taken + 1);
    return true;
  }

  /** Gives one back that `tryTake` has granted. */
  release(key: string): void {
    const taken = this.#taken.get(key);
    if (taken === undefined) return;
    if (taken > 1) this.#taken.set(key, taken - 1);
    else this.#taken.delete(key);
  }
}
