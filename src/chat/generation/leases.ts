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

/** What one who means to write a generation holds. Several may hold the same: the log says whose start is in. */
export interface Lease {
  readonly generation: string;
  readonly principal: string;
}

/** The leases of this process' generations: while one is renewed, nobody else may end its answer. */
export class Leases implements AsyncDisposable {
  readonly #options: LeaseOptions;
  readonly #held = new Set<Lease>();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#renew(), Math.ceil(options.leaseMs / 3)).unref();
  }

  /** Before anybody else hears of the generation, so that it is never without. @throws ServiceError `rate-limited` */
  async take(generation: string, principal: string): Promise<Lease> {
    const { leaseMs, maxPerPrincipal, state } = this.#options;
    await state.hold(WRITERS, [generation], leaseMs);
    const lease: Lease = { generation, principal };
    this.#held.add(lease);
    if (!this.#isLimited(principal)) return lease;
    try {
      const group = principalGroup(principal);
      if (await state.hold(group, [generation], leaseMs, maxPerPrincipal)) return lease;
    } catch (error) {
      this.forget(lease);
      throw error;
    }
    await this.giveBack(lease);
    const detail = `${principal} has ${maxPerPrincipal} answers under way, which is the limit.`;
    throw new ServiceError("rate-limited", detail, { retryAfterMs: RETRY_AFTER_MS });
  }

  /** There is nothing to write, or no more. */
  async giveBack(lease: Lease): Promise<void> {
    this.forget(lease);
    const { generation, principal } = lease;
    // Another repetition of the same request may be the one that writes it.
    if ([...this.#held].some((other) => other.generation === generation)) return;
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
  forget(lease: Lease): void {
    this.#held.delete(lease);
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
    await state.hold(WRITERS, this.#generations(), leaseMs);
    const limited = Array.from(this.#held, ({ principal }) => principal);
    for (const principal of new Set(limited.filter((each) => this.#isLimited(each)))) {
      // Asked anew each time: what has been given back meanwhile is not to be held again.
      const generations = this.#generations(principal);
      // They are in already: nobody may be refused here, whatever the limit.
      if (generations.length > 0)
        await state.hold(principalGroup(principal), generations, leaseMs, Number.MAX_SAFE_INTEGER);
    }
  }

  /** Those held by this principal; by anybody, without one. */
  #generations(principal?: string): string[] {
    const held = [...this.#held].filter(
      (lease) => principal === undefined || lease.principal === principal,
    );
    return [...new Set(held.map(({ generation }) => generation))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
  }
}
