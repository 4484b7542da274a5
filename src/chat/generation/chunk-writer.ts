import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../../errors.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { Topic } from "../../log/topic.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { type Chunk, chunkDraft } from "../chunk.ts";
import { blockOf, isDelta, textOf, withText } from "../delta.ts";
import { WholeCharacters } from "./whole-characters.ts";

/** Adjacent deltas are merged for at most so long; the first goes out at once. */
const MERGE_MS = 20;
/** How long an absent log is waited for, before the generation is given up. */
const PATIENCE_MS = 30_000;

export interface ChunkWriterOptions {
  readonly log: EventLog;
  readonly metrics: Metrics;
  readonly topic: Topic;
  /** This writer's number: the log refuses one that a newer writer has replaced. */
  readonly fence: number;
  /** Aborts when there is no more time to wait for an absent log. */
  readonly hurry: AbortSignal;
}

/**
 * Appends a generation's chunks in order, one append at a time. A repetition after a lost reply carries the token of the
 * first try, so that it doubles nothing.
 */
export class ChunkWriter {
  readonly #options: ChunkWriterOptions;
  #queue: Chunk[] = [];
  readonly #characters = new WholeCharacters();
  #pumping: Promise<void> | undefined;
  /** When the last append began that carried a delta. */
  #deltaAt = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  #ending = false;
  /** No other writer's. An append's token is made of it and of a count: random bytes for each token cost too much. */
  readonly #name = randomBytes(9).toString("base64url");
  #appends = 0;
  /** Of the last append: the next one is refused where a failover has taken that back. */
  #token: string | undefined;

  constructor(options: ChunkWriterOptions) {
    this.#options = options;
  }

  /** @throws what an earlier append failed with */
  write(chunk: Chunk): void {
    if (this.#failure) throw this.#failure;
    for (const whole of this.#characters.of(chunk)) this.#enqueue(whole);
    // After this turn: what frames a text comes together with its first delta, which must not wait for an append of its own.
    this.#pumping ??= Promise.resolve().then(() => this.#pump());
  }

  #enqueue(chunk: Chunk): void {
    const last = this.#queue.at(-1);
    if (last && isDelta(chunk) && isDelta(last) && blockOf(chunk) === blockOf(last))
      this.#queue[this.#queue.length - 1] = withText(last, textOf(last) + textOf(chunk));
    else this.#queue.push(chunk);
  }

  /** Appends what is left and closes the topic with it. */
  async end(...chunks: readonly Chunk[]): Promise<void> {
    this.#ending = true;
    for (const chunk of chunks) this.write(chunk);
    await this.#pumping;
    if (this.#failure) throw this.#failure;
  }

  async #pump(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const waitMs = this.#deltaAt + MERGE_MS - performance.now();
        if (waitMs > 0 && !this.#ending) await delay(waitMs);
        const chunks = this.#queue;
        this.#queue = [];
        // What frames the text keeps no token waiting: a model may be quick to say its first.
        if (chunks.some(isDelta)) this.#deltaAt = performance.now();
        await this.#append(chunks);
      }
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#pumping = undefined;
    }
  }

  async #append(chunks: readonly Chunk[]): Promise<void> {
    const { log, metrics, topic, fence, hurry } = this.#options;
    const token = `${this.#name}.${++this.#appends}`;
    const options = {
      fence: { number: fence, token, previous: this.#token },
      close: chunks.at(-1)?.type === "finish",
    };
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      try {
        await log.append(topic, chunks.map(chunkDraft), options);
        this.#token = token;
        return metrics.published("chat", chunks.length);
      } catch (error) {
        const passing = error instanceof ServiceError && error.code === "log-unavailable";
        if (!passing || performance.now() > giveUpAt || hurry.aborted) throw error;
        await delay(pauseMs, undefined, { signal: hurry }).catch(() => undefined);
      }
    }
  }
}
