const FIRST_MS = 100;
const MAX_MS = 3_000;
/** A server may ask for more patience than ours, but not for ever. */
const RETRY_AFTER_MAX_MS = 60_000;
/** Beyond it 2 ** failures is of no more use, and in the end no number any more. */
const MAX_DOUBLINGS = 30;

export interface BackoffOptions {
  /** The wait after the first failure is at most this. */
  readonly firstMs?: number;
  readonly maxMs?: number;
  readonly random?: () => number;
}

/** Doubling waits with jitter, so that the agents of a server that comes back do not knock all at once. */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  #failures = 0;

  constructor({ firstMs = FIRST_MS, maxMs = MAX_MS, random = Math.random }: BackoffOptions = {}) {
    this.#options = { firstMs, maxMs, random };
  }

  /** How long to wait after one more failure, in milliseconds; never less than the server asked for. */
  next(retryAfterMs = 0): number {
    const { firstMs, maxMs, random } = this.#options;
    const doubled = firstMs * 2 ** Math.min(this.#failures++, MAX_DOUBLINGS);
    const jittered = Math.min(maxMs, doubled) * (0.5 + random() / 2);
    return jittered + Math.min(retryAfterMs, RETRY_AFTER_MAX_MS);
  }

  /** The next failure is a first one again. */
  reset(): void {
    this.#failures = 0;
  }
}

/** `Retry-After` as seconds or an HTTP date (RFC 9110 §10.2.3) → ms from now; undefined of anything else. */
export function tryRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
