const FIRST_MS = 100;
const MAX_MS = 3_000;
/** A server may ask for more patience than ours, but not for ever. */
const RETRY_AFTER_MAX_MS = 60_000;

/** Doubling waits with jitter, so that the agents of a server that comes back do not knock all at once. */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** How long to wait after one more failure, in milliseconds; never less than the server asked for. */
  next(retryAfterMs = 0): number {
    const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** this.#failures++);
    const jittered = ceiling * (0.5 + this.#random() / 2);
    return jittered + Math.min(retryAfterMs, RETRY_AFTER_MAX_MS);
  }
}

/** `Retry-After` as seconds or an HTTP date (RFC 9110 §10.2.3) → ms from now; undefined of anything else. */
export function tryRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
