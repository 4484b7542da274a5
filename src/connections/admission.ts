import { ANONYMOUS } from "../wire/grammar.ts";
import type { CloseReason } from "./close-reason.ts";
import { Quota } from "./quota.ts";

/** Why there is no place; the reason decides how it is said on each transport. */
export interface Refusal {
  readonly reason: Extract<CloseReason, "overloaded" | "rate-limited" | "drain" | "gone">;
  /** For people. */
  readonly detail: string;
}

const REFUSALS = {
  full: {
    reason: "overloaded",
    detail: "All connections are taken. Please come back later.",
  },
  shed: {
    reason: "overloaded",
    detail: "This process has more to do than it can. Please come back later.",
  },
  principal: {
    reason: "rate-limited",
    detail:
      "You have as many connections open as one principal may. Close one, or come back later.",
  },
  address: {
    reason: "rate-limited",
    detail:
      "Your address has as many connections open as one address may. Close one, or come back later.",
  },
  draining: {
    reason: "drain",
    detail: "This process is shutting down: come back, and you reach another.",
  },
  /** Left while it waited: there is nobody to tell. */
  gone: { reason: "gone", detail: "The client has left." },
} as const satisfies Record<string, Refusal>;

/** Who asks for a place. */
export interface Applicant {
  readonly principal: string;
  /** Under what its address counts. */
  readonly network: string;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

/** One connection's right to be here. */
export interface Place {
  /** Gives it to whoever has waited longest, in this very tick; harmless when repeated. */
  release(): void;
}

export interface AdmissionLimits {
  readonly maxConnections: number;
  /** 0 = no limit, as of the next. */
  readonly maxPerPrincipal: number;
  readonly maxPerAddress: number;
  /** How many may wait; 0 = nobody. */
  readonly queueLength: number;
  /** How long each waits. */
  readonly timeoutMs: number;
}

type Outcome = Place | Refusal;
type Share = Pick<Applicant, "principal" | "network">;

/**
 * The door: grants places, and lets newcomers wait for one, first come first served, for a bounded time and in a bounded
 * number. Nothing is held for who waits but a timer and its client's own connection.
 *
 * A share (of a principal, of an address) is taken by who waits too, or one client alone could fill the queue; where it
 * is used up, waiting would not help and the refusal comes at once.
 */
export class AdmissionGate {
  readonly #limits: AdmissionLimits;
  readonly #onWaiting: (waiting: number) => void;
  readonly #byPrincipal: Quota;
  readonly #byNetwork: Quota;
  /** In the order in which they came; each is called with its outcome. */
  readonly #waiting = new Set<(outcome: "granted" | Refusal) => void>();
  #held = 0;
  #shut: Refusal | undefined;

  /** @param onWaiting told how many wait, whenever that changes */
  constructor(limits: AdmissionLimits, onWaiting: (waiting: number) => void = () => {}) {
    this.#limits = limits;
    this.#onWaiting = onWaiting;
    this.#byPrincipal = new Quota(limits.maxPerPrincipal);
    this.#byNetwork = new Quota(limits.maxPerAddress);
  }

  /** Places taken. */
  get held(): number {
    return this.#held;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Principals and networks that are counted now. */
  get counted(): number {
    return this.#byPrincipal.size + this.#byNetwork.size;
  }

  /** A place at once, or after some waiting, or the reason why there is none. */
  async enter({ principal, network, signal }: Applicant): Promise<Outcome> {
    if (signal.aborted) return REFUSALS.gone;
    if (this.#shut) return this.#shut;
    const share: Share = { principal, network };
    const refusal = this.#takeShare(share);
    if (refusal) return refusal;
    if (this.#held < this.#limits.maxConnections) return this.#grant(share);
    if (this.#waiting.size >= this.#limits.queueLength) {
      this.#returnShare(share);
      return REFUSALS.full;
    }
    const outcome = await this.#wait(share, signal);
    if ("reason" in outcome || !signal.aborted) return outcome;
    // It left in the very tick in which its turn came: whoever gets the place could no longer notice.
    outcome.release();
    return REFUSALS.gone;
  }

  #wait(share: Share, signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve) => {
      const settle = (outcome: "granted" | Refusal): void => {
        this.#waiting.delete(settle);
        clearTimeout(timer);
        signal.removeEventListener("abort", leave);
        this.#onWaiting(this.#waiting.size);
        if (outcome !== "granted") this.#returnShare(share);
        resolve(outcome === "granted" ? this.#grant(share) : outcome);
      };
      const leave = (): void => settle(REFUSALS.gone);
      const timer = setTimeout(() => settle(REFUSALS.full), this.#limits.timeoutMs).unref();
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.add(settle);
      this.#onWaiting(this.#waiting.size);
    });
  }

  #grant(share: Share): Place {
    this.#held++;
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#held--;
        this.#returnShare(share);
        const [first] = this.#waiting;
        first?.("granted");
      },
    };
  }

  /** All strangers are one principal: counted as one, each would be refused for the others. Their addresses count. */
  #takeShare({ principal, network }: Share): Refusal | undefined {
    if (principal !== ANONYMOUS && !this.#byPrincipal.tryTake(principal)) return REFUSALS.principal;
    if (this.#byNetwork.tryTake(network)) return undefined;
    this.#byPrincipal.release(principal);
    return REFUSALS.address;
  }

  #returnShare({ principal, network }: Share): void {
    this.#byPrincipal.release(principal);
    this.#byNetwork.release(network);
  }

  /** While true nobody is let in and nobody waits: newcomers, those in the queue included, are sent away. */
  shed(overloaded: boolean): void {
    if (this.#shut === REFUSALS.draining) return;
    this.#shut = overloaded ? REFUSALS.shed : undefined;
    if (overloaded) this.#dismiss(REFUSALS.shed);
  }

  /** Lets nobody in any more, for good. */
  drain(): void {
    this.#shut = REFUSALS.draining;
    this.#dismiss(REFUSALS.draining);
  }

  #dismiss(refusal: Refusal): void {
    for (const settle of this.#waiting) settle(refusal);
  }
}
