import { ServiceError } from "../../errors.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { ANONYMOUS } from "../../wire/grammar.ts";

/** The group of all generations that somebody writes. */
export const WRITERS = "chat:writers";
const principalGroup = (principal: string): string => `chat:writers:${principal}`;
/** A limited caller learns so when to try again: an answer takes seconds. */
const RETRY_AFTER_MS = 5_000;

export interface LeaseOptions {
  readonly state: StateStore;
  readonly logger: Logger;
  /** How long a generation is believed to have a writer that is not heard of. */
  readonly leaseMs: number;
  /** Generations of one principal at a time, in all processes; 0 = no limit, and none for `anonymous`. */
  readonly maxPerPrincipal: number;
}

/** The leases of this process' generations: while one is renewed, nobody else may end its answer. */
export class Leases implements AsyncDisposable {
  readonly #options: LeaseOptions;
  /** The principal of each generation that this process writes. */
  readonly #held = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#renew(), Math.ceil(options.leaseMs / 3)).unref();
  }

  /** Before its start is logged, so that no answer is ever without. @throws ServiceError `rate-limited` */
  async take(generation: string, principal: string): Promise<void> {
    const { leaseMs, maxPerPrincipal, state } = this.#options;
    if (this.#isLimited(principal)) {
      const group = principalGroup(principal);
      if (!(await state.hold(group, [generation], leaseMs, maxPerPrincipal))) {
        const detail = `${principal} has ${maxPerPrincipal} answers under way, which is the limit.`;
        throw new ServiceError("rate-limited", detail, { retryAfterMs: RETRY_AFTER_MS });
      }
    }
    await state.hold(WRITERS, [generation], leaseMs);
    this.#held.set(generation, principal);
  }

  /** The answer has its end. */
  async giveBack(generation: string): Promise<void> {
    const principal = this.#held.get(generation);
    if (principal === undefined) return;
    this.forget(generation);
    const { state } = this.#options;
    try {
      await state.letGo(WRITERS, [generation]);
      if (this.#isLimited(principal)) await state.letGo(principalGroup(principal), [generation]);
    } catch (error) {
      // It lapses by itself.
      this.#options.logger.debug({ err: error, generation }, "a lease could not be given back");
    }
  }

  /** Renews it no more: where the answer has no end, somebody else will write it. */
  forget(generation: string): void {
    this.#held.delete(generation);
  }

  /** Whether it has a writer, here or elsewhere. */
  async isHeld(generation: string): Promise<boolean> {
    return (await this.#options.state.held(WRITERS, [generation]))[0]!;
  }

  #isLimited(principal: string): boolean {
    return this.#options.maxPerPrincipal > 0 && principal !== ANONYMOUS;
  }

  #renew(): void {
    if (this.#held.size === 0) return;
    this.#renewing ??= this.#renewAll()
      .catch((err: unknown) => {
        this.#options.logger.warn({ err }, "the leases of running answers could not be renewed");
      })
      .finally(() => (this.#renewing = undefined));
  }

  async #renewAll(): Promise<void> {
    const { leaseMs, state } = this.#options;
    await state.hold(WRITERS, [...this.#held.keys()], leaseMs);
    const limited = new Map<string, string[]>();
    for (const [generation, principal] of this.#held) {
      if (!this.#isLimited(principal)) continue;
      const names = limited.get(principal);
      if (names) names.push(generation);
      else limited.set(principal, [generation]);
    }
    // They are in already: nobody may be refused here, whatever the limit.
    for (const [principal, names] of limited)
      await state.hold(principalGroup(principal), names, leaseMs, Number.MAX_SAFE_INTEGER);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
  }
}
