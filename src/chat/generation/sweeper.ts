import { randomBytes } from "node:crypto";
import { ServiceError } from "../../errors.ts";
import type { EventLog } from "../../log/event-log.ts";
import { chatTopic } from "../../log/topic.ts";
import type { StateStore } from "../../state/state-store.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { type Chunk, chunkDraft } from "../chunk.ts";
import { WRITERS } from "./leases.ts";

/** Generations looked after in one pass. */
const PASS_MAX = 200;
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
  /** How often it looks; a quarter of the lease by default. */
  readonly intervalMs?: number;
}

/**
 * Ends the answers whose writer is gone, so that nobody waits for ever: every process does, for all of them. Whose lease
 * has lapsed is found by the store; one whose lease the store itself has lost (a failover, a flush) is noticed by the
 * process that has a reader of it.
 */
export class Sweeper implements AsyncDisposable {
  readonly #options: SweeperOptions;
  readonly #timer: NodeJS.Timeout;
  /** Since when each of those that are read here has been seen without a lease. */
  #bare = new Map<string, number>();
  /** Until then writers are given time: while the store was away they could not renew. */
  #lenientUntil = Number.NEGATIVE_INFINITY;
  #sweeping: Promise<void> | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
    const intervalMs = options.intervalMs ?? Math.ceil(options.leaseMs / 4);
    this.#timer = setInterval(() => void this.sweep(), intervalMs).unref();
  }

  /** One pass; never rejects. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch((err: unknown) => {
        this.#lenientUntil = performance.now() + this.#options.leaseMs;
        this.#bare.clear();
        this.#options.logger.debug({ err }, "no answers could be looked after");
      })
      .finally(() => (this.#sweeping = undefined));
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { state } = this.#options;
    const lapsed = await state.lapsed(WRITERS, PASS_MAX);
    const bare = await this.#bareFor(this.#options.leaseMs);
    if (performance.now() < this.#lenientUntil) return;
    for (const generation of new Set([...lapsed, ...bare])) await this.#end(generation);
  }

  /** Those that are read here and have had no lease for so long. */
  async #bareFor(leaseMs: number): Promise<string[]> {
    const read = [...this.#options.read()];
    if (read.length === 0) return [];
    const held = await this.#options.state.held(WRITERS, read);
    const now = performance.now();
    const bare = read.filter((_, index) => !held[index]);
    this.#bare = new Map(bare.map((generation) => [generation, this.#bare.get(generation) ?? now]));
    return bare.filter((generation) => now - this.#bare.get(generation)! >= leaseMs);
  }

  async #end(generation: string): Promise<void> {
    const { log, logger, metrics, state } = this.#options;
    const token = randomBytes(9).toString("base64url");
    try {
      await log.append(chatTopic(generation), LAST_WORDS.map(chunkDraft), {
        fence: { number: SWEEPER_FENCE, token },
        close: true,
      });
      metrics.published("chat", LAST_WORDS.length);
      metrics.leaseLost();
      logger.warn({ generation }, "an answer whose writer is gone was ended");
    } catch (error) {
      // It has its end, or was never begun, or is no longer kept.
      const over = error instanceof ServiceError && error.status === 409;
      if (!over) throw error;
    }
    await state.letGo(WRITERS, [generation]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping;
  }
}
