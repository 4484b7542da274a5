import type { Gauge } from "prom-client";
import type { Instruments } from "./instruments.ts";

const ENDED_STATES = ["finished", "stopped", "failed"] as const;
/** How an answer has ended. */
export type EndedState = (typeof ENDED_STATES)[number];

const EARLY_ENDS = ["stopped", "abandoned", "interrupted", "lost"] as const;
export type EarlyEnd = (typeof EARLY_ENDS)[number];

const TOKENS_PER_SECOND = [1, 2.5, 5, 10, 20, 30, 50, 75, 100, 150, 250, 500, 1_000];

/** Every fact about answers that is counted. */
export class ChatMetrics {
  readonly #instruments: Instruments;
  readonly #running;
  readonly #ended;
  readonly #refused;
  readonly #firstToken;
  readonly #tokenRate;
  readonly #endedEarly;
  readonly #leasesLost;
  /** Made where there is a limit: a part of 0 would be a false alarm. */
  #maxGenerations: Gauge | undefined;

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
    this.#running = instruments.gauge("chat_generations", "Generations that this process runs", [
      "model",
    ]);
    this.#ended = instruments.counter(
      "chat_generations_ended_total",
      "Generations of this process that have ended, by how",
      ["state", "model"],
    );
    this.#refused = instruments.counter(
      "chat_refused_total",
      "Questions turned away because this process has as many answers under way as it takes",
    );
    this.#firstToken = instruments.histogram(
      "chat_time_to_first_token_seconds",
      "From a generation's start to its model's first token",
      ["model"],
    );
    this.#tokenRate = instruments.histogram(
      "chat_tokens_per_second",
      "Of each answer, from its first token to its end",
      ["model"],
      TOKENS_PER_SECOND,
    );
    this.#endedEarly = instruments.counter(
      "chat_ended_early_total",
      "Generations ended before their model had ended them",
      ["cause"],
      EARLY_ENDS,
    );
    this.#leasesLost = instruments.counter(
      "chat_leases_lost_total",
      "Generations whose writer was gone and that this process has ended",
    );
  }

  /** The models that may be asked: each has all its counters from the start, as a first failure is no increase else. */
  models(names: readonly string[]): void {
    for (const model of names) {
      this.#running.set({ model }, 0);
      for (const state of ENDED_STATES) this.#ended.inc({ state, model }, 0);
    }
  }

  /** @param count 0 = no limit */
  maxGenerations(count: number): void {
    if (count === 0) return;
    this.#maxGenerations ??= this.#instruments.gauge(
      "chat_max_generations",
      "Generations that this process runs at most",
    );
    this.#maxGenerations.set(count);
  }

  refused(): void {
    this.#refused.inc();
  }

  began(model: string): void {
    this.#running.inc({ model });
  }

  ended(state: EndedState, model: string): void {
    this.#running.dec({ model });
    this.#ended.inc({ state, model });
  }

  firstToken(model: string, ms: number): void {
    this.#firstToken.observe({ model }, ms / 1000);
  }

  /** @param ms from the first token to the last */
  tokenRate(model: string, tokens: number, ms: number): void {
    if (tokens > 1 && ms > 0) this.#tokenRate.observe({ model }, ((tokens - 1) * 1_000) / ms);
  }

  endedEarly(cause: EarlyEnd): void {
    this.#endedEarly.inc({ cause });
  }

  leaseLost(): void {
    this.#leasesLost.inc();
  }
}
