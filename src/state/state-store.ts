/**
 * PORT. What the processes must agree on beside the log.
 *
 * - `claim` MUST be decided once, whoever asks and however often, until it expires.
 * - What is held in a group MUST be held until its time is up by the store's clock, whoever renews it.
 * - A directory is a set of names that `list` returns sorted and in pages.
 * - Every method rejects with ServiceError `log-unavailable` when the store cannot be reached.
 */
export interface StateStore extends AsyncDisposable {
  /** Sets `key` to `value` unless it is set; returns the value that holds, which is ours if we were first. */
  claim(key: string, value: string, ttlMs: number): Promise<string>;
  /** Sets `key` to `value` if it is `expected` or not set; returns the value that holds. */
  reclaim(key: string, expected: string, value: string, ttlMs: number): Promise<string>;
  /** The value that holds, if any. */
  claimed(key: string): Promise<string | undefined>;
  /** Gives a claim up, whoever holds it. */
  release(key: string): Promise<void>;
  /**
   * Holds each of the names, within a group, until `ttlMs` from now: a lease, renewed by the same call.
   * @param names with a limit at most 1,000
   * @param limit how many may be held in the group; a group with a limit forgets what has lapsed
   * @returns false where there would be more: then nothing has been done
   */
  hold(group: string, names: readonly string[], ttlMs: number, limit?: number): Promise<boolean>;
  letGo(group: string, names: readonly string[]): Promise<void>;
  /** Of each name, whether it is held now. */
  held(group: string, names: readonly string[]): Promise<boolean[]>;
  /** Names that were neither renewed nor let go in time; the longest lapsed first. */
  lapsed(group: string, limit: number): Promise<string[]>;
  add(directory: string, name: string): Promise<void>;
  remove(directory: string, name: string): Promise<void>;
  /** The names after `after` (exclusive; "" = from the start), sorted by code unit, at most `limit`. */
  list(directory: string, after: string, limit: number): Promise<string[]>;
}
