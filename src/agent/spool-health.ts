import { Backoff } from "./retry.ts";

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
/** Without trouble for so long, the next trouble is a new one. */
const CALM_MS = 60_000;

export interface SpoolHealthOptions {
  readonly say: (text: string) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

/** Whether the disk takes what is written, and if not, when to ask it again. */
export class SpoolHealth {
  readonly #options: SpoolHealthOptions;
  #backoff = new Backoff({ firstMs: FIRST_RETRY_MS, maxMs: MAX_RETRY_MS });
  #trouble: { readonly why: string; readonly retryAt: number } | undefined;
  #wellSince = Number.NEGATIVE_INFINITY;

  constructor(options: SpoolHealthOptions) {
    this.#options = options;
  }

  /** What is wrong; undefined = nothing. */
  get trouble(): string | undefined {
    return this.#trouble?.why;
  }

  get mayTry(): boolean {
    return !this.#trouble || this.#options.now() >= this.#trouble.retryAt;
  }

  failed(error: unknown): void {
    const { now, say } = this.#options;
    const why = (error as Error).message;
    if (!this.#trouble) {
      if (now() - this.#wellSince > CALM_MS)
        this.#backoff = new Backoff({ firstMs: FIRST_RETRY_MS, maxMs: MAX_RETRY_MS });
      say(`the spool cannot be written (${why}): lines are kept in memory until it can`);
    }
    this.#trouble = { why, retryAt: now() + this.#backoff.next() };
  }

  worked(): void {
    if (!this.#trouble) return;
    this.#trouble = undefined;
    this.#wellSince = this.#options.now();
    this.#options.say("the spool can be written again");
  }
}
