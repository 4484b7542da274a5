import { ServiceError } from "../errors.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** An answer takes seconds. */
const RETRY_AFTER_MS = 5_000;

export interface AnswerRoomOptions {
  /** Answers under way in this process; 0 = no limit. */
  readonly maxGenerations: number;
  readonly metrics: Metrics;
  /** How many it writes now. */
  readonly running: () => number;
}

/**
 * Room for answers in this process, whoever asks for them and whether or not anybody reads them: each costs memory, and a
 * model that is paid for.
 */
export class AnswerRoom {
  readonly #options: AnswerRoomOptions;
  #beginning = 0;

  constructor(options: AnswerRoomOptions) {
    this.#options = options;
    options.metrics.chat.maxGenerations(options.maxGenerations);
  }

  /** A place for an answer that is being begun, until it is counted as running. @throws ServiceError `overloaded` */
  enter(): Disposable {
    const { maxGenerations, metrics, running } = this.#options;
    if (maxGenerations > 0 && this.#beginning + running() >= maxGenerations) {
      metrics.chat.refused();
      const detail = `This process has ${maxGenerations} answers under way, which is all that it takes.`;
      throw new ServiceError("overloaded", detail, { retryAfterMs: RETRY_AFTER_MS });
    }
    this.#beginning++;
    return { [Symbol.dispose]: () => void this.#beginning-- };
  }
}
