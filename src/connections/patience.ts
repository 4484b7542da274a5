/** How long the service may take beyond the time that a client is willing to wait. */
const GRACE_MS = 5_000;

/**
 * When a client that is answered with one document has enough, if its range does not end and its page does not fill
 * before: with the first thing there is to tell once all of the backlog is in, or after the wait.
 */
export class Patience {
  readonly #onEnough: () => void;
  readonly #timers: NodeJS.Timeout[];
  readonly #follows: boolean;
  #live = false;
  #told = false;
  #over = false;

  /** @param waitMs for something to come; undefined = the document is of what is there, whole */
  constructor(waitMs: number | undefined, onEnough: () => void) {
    this.#onEnough = onEnough;
    this.#follows = waitMs !== undefined;
    // A filter that goes through a long history, or a log that is away, must not keep the client for ever.
    this.#timers = [setTimeout(onEnough, (waitMs ?? 0) + GRACE_MS).unref()];
    if (waitMs === 0) this.#over = true;
    else if (waitMs !== undefined) this.#timers.push(setTimeout(() => this.#end(), waitMs).unref());
  }

  #end(): void {
    this.#over = true;
    this.#settle();
  }

  /** The backlog is in. */
  live(): void {
    this.#live = true;
    this.#settle();
  }

  /** There is something in the document. */
  told(): void {
    this.#told = true;
    this.#settle();
  }

  #settle(): void {
    if (this.#follows && this.#live && (this.#told || this.#over)) this.#onEnough();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
