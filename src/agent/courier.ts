import { setTimeout as delay } from "node:timers/promises";
import { Backoff } from "./retry.ts";
import type { Answer, Refusal, Verdict } from "./verdict.ts";

/**
 * A server that has gone without a word shows by nothing else. Nor does a connection that is closed as soon as it is
 * open, as a load balancer without backends does it: fetch of Node 20 may then wait for ever. Short for that reason,
 * and doubled each time it has run out, for the sake of slow lines.
 */
const ATTEMPT_TIMEOUT_MS = 5_000;
const TIMEOUT_DOUBLINGS = 4;
const NO_ANSWER = "no answer in time";
/** How often a refusal that may be the network's is asked again. */
const DOUBTS = 3;

/** Failures in a row before it is worth a word: a cut connection heals itself within a moment. */
const PATIENCE = 3;

/** One request, complete: whatever becomes of it, it can be sent again. */
export interface Delivery {
  readonly method: "POST" | "PUT";
  /** Below the server's URL. */
  readonly path: string;
  readonly contentType: string;
  readonly body: string | Buffer<ArrayBuffer>;
  /** By which the server knows a repetition: it is the same on each attempt. */
  readonly idempotencyKey: string;
  readonly judge: (answer: Answer) => Verdict;
}

export interface CourierOptions {
  /** Without a slash at its end. */
  readonly server: string;
  /** Tells the person at the terminal. */
  readonly say: (text: string) => void;
  /** Of the first attempt. */
  readonly attemptTimeoutMs?: number;
}

/** Brings requests to the server, again and again until it has taken or refused them. */
export class Courier {
  readonly #options: CourierOptions;
  #away = false;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the server has taken what `next` returned, undefined, or refused it for good.
   * @param next asked before each attempt, so that a sender may change its mind while the server is away
   * @throws the signal's reason when it aborts; what the server did with the last attempt is then unknown
   */
  async deliver(next: () => Delivery, signal: AbortSignal): Promise<Refusal | undefined> {
    const backoff = new Backoff();
    for (let [refusals, retries, timeouts] = [0, 0, 0]; ;) {
      const verdict = await this.#attempt(next(), signal, timeouts);
      if (verdict.kind !== "retry") this.#tellBack();
      if (verdict.kind === "accepted") return undefined;
      if (verdict.kind === "refused" && (verdict.certain || ++refusals === DOUBTS)) return verdict;
      if (verdict.kind === "retry" && ++retries === PATIENCE) this.#tellAway(verdict.why);
      if (verdict.why === NO_ANSWER && timeouts < TIMEOUT_DOUBLINGS) timeouts++;
      const afterMs = verdict.kind === "retry" ? verdict.afterMs : undefined;
      await delay(backoff.next(afterMs), undefined, { signal });
    }
  }

  async #attempt(delivery: Delivery, signal: AbortSignal, timeouts: number): Promise<Verdict> {
    const { server, attemptTimeoutMs = ATTEMPT_TIMEOUT_MS } = this.#options;
    signal.throwIfAborted();
    const cut = new AbortController();
    const onAbort = (): void => cut.abort(signal.reason);
    const onTimeout = (): void => cut.abort(new Error(NO_ANSWER));
    const timer = setTimeout(onTimeout, attemptTimeoutMs * 2 ** timeouts);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const response = await fetch(`${server}${delivery.path}`, {
        method: delivery.method,
        headers: {
          "content-type": delivery.contentType,
          "idempotency-key": delivery.idempotencyKey,
        },
        body: delivery.body,
        // A redirect may turn a POST into a GET, whose success would be taken for ours.
        redirect: "manual",
        signal: cut.signal,
      });
      const { status, headers } = response;
      return delivery.judge({ status, headers, text: await response.text() });
    } catch (error) {
      signal.throwIfAborted();
      return { kind: "retry", why: reasonOf(error) };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #tellAway(why: string): void {
    if (this.#away) return;
    this.#away = true;
    const { server, say } = this.#options;
    say(
      `cannot deliver to ${server} at the moment (${why}); the program goes on, and so do the tries`,
    );
  }

  #tellBack(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#options.say(`delivering to ${this.#options.server} again`);
  }
}

/** Fetch says "fetch failed" of everything; what has happened is in its cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
}
