import { Backoff } from "./retry.ts";

export const RESTART_MODES = ["no", "on-failure", "always"] as const;
export type RestartMode = (typeof RESTART_MODES)[number];

const MAX_DELAY_MS = 60_000;
/** Who has run for so long has started well: what comes then is a new trouble, and waits like a first one. */
const STEADY_MS = 60_000;

export interface RestartPolicyOptions {
  readonly mode: RestartMode;
  /** Undefined = no limit. */
  readonly maxRestarts: number | undefined;
  /** Before the first restart; doubled with each until a minute, with jitter. */
  readonly delayMs: number;
  readonly random?: () => number;
}

/** Decides whether a program that has ended is started again, and when. */
export class RestartPolicy {
  readonly #options: RestartPolicyOptions;
  readonly #backoff: Backoff;
  #restarts = 0;

  constructor(options: RestartPolicyOptions) {
    this.#options = options;
    const { delayMs, random = Math.random } = options;
    // Half a wait at least, of each up to the longest: a first wait above that is as long as was asked for.
    this.#backoff = new Backoff({
      firstMs: delayMs,
      maxMs: Math.max(delayMs, MAX_DELAY_MS),
      random,
    });
  }

  /** How often it has been started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** How long to wait before the next start, in ms; undefined = it stays as it is. */
  next({ failed, ranMs }: { failed: boolean; ranMs: number }): number | undefined {
    const { mode, maxRestarts } = this.#options;
    if (mode === "no" || (mode === "on-failure" && !failed)) return undefined;
    if (maxRestarts !== undefined && this.#restarts >= maxRestarts) return undefined;
    this.#restarts++;
    if (ranMs >= STEADY_MS) this.#backoff.reset();
    return this.#backoff.next();
  }
}
