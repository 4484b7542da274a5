/**
 * PORT. What the processes must agree on beside the log.
 *
 * - `claim` MUST be decided once, whoever asks and however often, until it expires.
 * - A directory is a set of names that `list` returns sorted and in pages.
 * - Every method rejects with ServiceError `log-unavailable` when the store cannot be reached.
 */
export interface StateStore extends AsyncDisposable {
  /** Sets `key` to `value` unless it is set; returns the value that holds, which is ours if we were first. */
  claim(key: string, value: string, ttlMs: number): Promise<string>;
  /** The value that holds, if any. */
  claimed(key: string): Promise<string | undefined>;
  /** Gives a claim up, whoever holds it. */
  release(key: string): Promise<void>;
  add(directory: string, name: string): Promise<void>;
  remove(directory: string, name: string): Promise<void>;
  /** The names after `after` (exclusive; "" = from the start), sorted by code unit, at most `limit`. */
  list(directory: string, after: string, limit: number): Promise<string[]>;
}
