import { randomBytes } from "node:crypto";
import { ServiceError } from "../../errors.ts";
import type { EventLog } from "../../log/event-log.ts";
import { chatTopic } from "../../log/topic.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { type Chunk, chunkDraft } from "../chunk.ts";
import { WRITERS } from "./leases.ts";

/** Generations asked for at a time. */
const PAGE = 1_000;
/** Ends on their way at a time. */
const CONCURRENCY = 16;
/** How much later than we another process may reach the store again: lost connections are tried every two seconds. */
const RECONNECT_MS = 3_000;
/** Above every producer's: what one writes after us is refused. */
const SWEEPER_FENCE = 2;

const LAST_WORDS: readonly Chunk[] = [
  {
    type: "error",
    errorText: "The process that answered is gone. Please ask again.",
    code: "producer-lost",
    retryable: true,
  },
  { type: "finish", finishReason: "error" },
];

export interface SweeperOptions {
  readonly log: EventLog;
  readonly state: StateStore;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly leaseMs: number;
  /** Generations with readers here. */
  readonly read: () => Iterable<string>;
  /** Whether this process writes it: it knows best that it lives. */
  readonly isOurs: (generation: string) => boolean;
  /** How often it looks; a quarter of the lease by default. */
  readonly intervalMs?: number;
}

/**
 * Ends the answers whose writer is gone, so that nobody waits for ever: every process does, for all of them. Whose lease
 * has lapsed is found by the store; one whose lease the store itself has lost (a failover, a flush) is noticed by the
 * process that has a reader of it, or was asked for another answer in its chat.
 */
export class Sweeper implements AsyncDisposable {
  readonly #options: SweeperOptions;
  readonly #intervalMs: number;
  readonly #timer: NodeJS.Timeout;
  /** Those that were met without a lease, beside those that are read. */
  readonly #suspects = new Set<string>();
  /** Since when each of those has been seen without a lease. */
  #bare = new Map<string, number>();
  /** When the store last answered in time. */
  #heardAt = performance.now();
  /** Until then writers are given time: we, or the store, were away, and they could not be heard. */
  #lenientUntil: number;
  #sweeping: Promise<void> | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#lenientUntil = performance.now() + options.leaseMs;
    this.#intervalMs = options.intervalMs ?? Math.ceil(options.leaseMs / 4);
    this.#timer = setInterval(() => void this.sweep(), this.#intervalMs).unref();
  }

  /** It goes on, by the log, and has no lease: is it dead, or was its lease lost? */
  suspect(generation: string): void {
    this.#suspects.add(generation);
  }

  /** One pass; never rejects. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch((err: unknown) => {
        this.#beLenient();
        this.#options.logger.debug({ err }, "no answers could be looked after");
      })
      .finally(() => (this.#sweeping = undefined));
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { leaseMs, state } = this.#options;
    for (let more = true; more;) {
      const lapsed = await state.lapsed(WRITERS, PAGE);
      const bare = await this.#bareFor(leaseMs);
      const now = performance.now();
      // So long a silence, of the store or of this process, and what has lapsed may only not have been heard.
      if (now - this.#heardAt > this.#intervalMs + leaseMs / 4) this.#beLenient();
      this.#heardAt = now;
      if (now < this.#lenientUntil) return;
      const ended = await this.#endAll([...new Set([...lapsed, ...bare])]);
      this.#heardAt = performance.now();
      more = lapsed.length === PAGE && ended > 0;
    }
  }

  #beLenient(): void {
    this.#lenientUntil = performance.now() + this.#options.leaseMs + RECONNECT_MS;
    this.#bare.clear();
  }

  /** Those that should have a lease and have had none for so long. */
  async #bareFor(leaseMs: number): Promise<string[]> {
    const watched = [...new Set([...this.#options.read(), ...this.#suspects])];
    if (watched.length === 0) return [];
    const held = await this.#options.state.held(WRITERS, watched);
    for (const [index, generation] of watched.entries())
      if (held[index]) this.#suspects.delete(generation);
    const now = performance.now();
    const bare = watched.filter((_, index) => !held[index]);
    this.#bare = new Map(bare.map((generation) => [generation, this.#bare.get(generation) ?? now]));
    return bare.filter((generation) => now - this.#bare.get(generation)! >= leaseMs);
  }

  /** @returns how many of them are over */
  async #endAll(generations: string[]): Promise<number> {
    const queue = generations.filter((generation) => !this.#options.isOurs(generation));
    let ended = 0;
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop())
        if (await this.#end(next)) ended++;
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    return ended;
  }

  /** @returns false where it could not be reached now: the others must not wait for it */
  async #end(generation: string): Promise<boolean> {
    const { log, logger, metrics, state } = this.#options;
    const token = randomBytes(9).toString("base64url");
    try {
      await log.append(chatTopic(generation), LAST_WORDS.map(chunkDraft), {
        fence: { number: SWEEPER_FENCE, token },
        close: true,
      });
      metrics.published("chat", LAST_WORDS.length);
      metrics.chat.leaseLost();
      logger.warn({ generation }, "an answer whose writer is gone was ended");
    } catch (err) {
      // 409: it has its end, or was never begun, or is no longer kept.
      if (!(err instanceof ServiceError) || err.status !== 409) {
        logger.debug({ err, generation }, "an answer could not be ended yet");
        return false;
      }
    }
    this.#suspects.delete(generation);
    try {
      await state.letGo(WRITERS, [generation]);
      return true;
    } catch (err) {
      logger.debug({ err, generation }, "a lapsed lease could not be let go yet");
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }
}
