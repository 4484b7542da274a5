import { ERROR_CODES, type ErrorCode, ServiceError } from "../../errors.ts";
import type { Hub } from "../../hub/hub.ts";
import type { Topic } from "../../log/topic.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { EarlyEnd, EndedState } from "../../telemetry/chat-metrics.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { FinishReason, Usage } from "../../wire/chat.ts";
import type { Chunk } from "../chunk.ts";
import { ModelError } from "../models/model-error.ts";
import type { Model, ModelPart, ModelRequest } from "../models/model.ts";
import { stateOf } from "../answer.ts";
import { AnswerChunks } from "./answer-chunks.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { follow } from "./follow.ts";

/** Of the whole answer: a generation's topic is never trimmed, so its length is bounded here. */
const ANSWER_MAX_LENGTH = 1_048_576;
/** The first writer of a topic. */
const FIRST_FENCE = 1;

export interface ProducerOptions {
  readonly hub: Hub;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly topic: Topic;
  readonly model: Model;
  readonly request: ModelRequest;
}

/**
 * Runs a model into a generation's topic. It is nobody's request: readers come and go, and only a `stop` on the topic,
 * whoever owns it, or another writer ends it early.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #abort = new AbortController();
  readonly #writer: ChunkWriter;
  readonly #chunks = new AnswerChunks();
  readonly #startedAt = performance.now();
  readonly #interrupt = new AbortController();
  /** `lost`: somebody else has ended it, taking us for dead. */
  #early: EarlyEnd | undefined;
  /** True from when our own end is on its way into the log. */
  #ending = false;
  #firstTokenAt: number | undefined;
  /** Pieces of text and reasoning: for the rate alone, since models may say several tokens at a time. */
  #pieces = 0;
  /** Resolves when it is over: true where the topic has its end, false where that could not be written. Never rejects. */
  readonly done: Promise<boolean>;

  constructor(options: ProducerOptions) {
    this.#options = options;
    const { hub, metrics, topic } = options;
    this.#writer = new ChunkWriter({
      log: hub.log,
      metrics,
      topic,
      fence: FIRST_FENCE,
      hurry: this.#interrupt.signal,
    });
    this.done = this.#run();
  }

  /** Nobody is there to read it any more. */
  abandon(): void {
    this.#endEarly("abandoned");
  }

  /** This process is ending: the answer ends here with an error that invites to ask again. */
  interrupt(): void {
    this.#interrupt.abort();
    this.#endEarly("interrupted");
  }

  #endEarly(why: EarlyEnd): void {
    this.#early ??= why;
    // Without a reason: what some providers' clients make of a text as reason ends the process.
    this.#abort.abort();
  }

  async #run(): Promise<boolean> {
    const { hub, logger, metrics, model, topic } = this.#options;
    metrics.chat.began(model.name);
    const requests = follow(hub, topic, {
      event: (event) => {
        if (event.type === "stop") this.#endEarly("stopped");
        else if (event.last && !this.#ending) this.#endEarly("lost");
      },
      failed: (err) => logger.error({ err, topic }, "an answer can no longer be asked to stop"),
    });
    let state: EndedState = "failed";
    try {
      state = stateOf(await this.#produce());
      return true;
    } catch (err) {
      // 409: another writer's end stands there, whether we have read it yet or not.
      if (err instanceof ServiceError && err.status === 409) {
        metrics.chat.endedEarly("lost");
        logger.warn({ err, topic }, "another process has ended an answer of this one");
      } else {
        // Where the topic has no end yet, whoever sweeps will write it.
        logger.error({ err, topic }, "a generation could not be written to its end");
      }
      return false;
    } finally {
      requests.close();
      metrics.chat.ended(state, model.name);
    }
  }

  async #produce(): Promise<FinishReason> {
    const { metrics, model } = this.#options;
    let reason: FinishReason;
    let usage: Usage | undefined;
    let ending: Chunk[] = [];
    try {
      ({ reason, usage } = await this.#stream());
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      if (this.#early === "lost") throw new ServiceError("fenced-off", "It has its end already.");
      if (this.#early) metrics.chat.endedEarly(this.#early);
      const asked = this.#early === "stopped" || this.#early === "abandoned";
      reason = asked ? (this.#early as "stopped" | "abandoned") : "error";
      ending = [asked ? { type: "abort" } : this.#describe(error)];
    }
    if (this.#firstTokenAt !== undefined) {
      const tokens = usage?.outputTokens ?? this.#pieces;
      metrics.chat.tokenRate(model.name, tokens, performance.now() - this.#firstTokenAt);
    }
    this.#ending = true;
    await this.#writer.end(...this.#chunks.end(), { type: "finish-step" }, ...ending, {
      type: "finish",
      finishReason: reason,
      usage,
    });
    return reason;
  }

  /** The usage is the model's to tell: nobody else counts as it does. */
  async #stream(): Promise<{ reason: FinishReason; usage: Usage | undefined }> {
    const { metrics, model, request } = this.#options;
    let length = 0;
    for await (const part of model.stream(request, this.#abort.signal)) {
      if (this.#abort.signal.aborted) break;
      if (part.type === "finish") return part;
      if (this.#firstTokenAt === undefined) {
        this.#firstTokenAt = performance.now();
        metrics.chat.firstToken(model.name, this.#firstTokenAt - this.#startedAt);
      }
      length += lengthOf(part);
      if (part.type === "text" || part.type === "reasoning") this.#pieces++;
      for (const chunk of this.#chunks.of(part)) this.#writer.write(chunk);
      if (length > ANSWER_MAX_LENGTH) return { reason: "length", usage: undefined };
    }
    throw new ModelError("model-broken", "The model's answer broke off. Please try again.");
  }

  #describe(error: unknown): Chunk {
    if (this.#early === "interrupted")
      return errorChunk("interrupted", "The service was shut down. Please ask again.");
    const { logger, model, topic } = this.#options;
    logger.warn({ err: error, topic, model: model.name }, "a model failed");
    if (error instanceof ModelError)
      return errorChunk(error.code, error.message, error.retryAfterMs);
    return errorChunk("model-failed", "The model failed. Please try again.");
  }
}

function errorChunk(code: ErrorCode, errorText: string, retryAfterMs?: number): Chunk {
  return { type: "error", errorText, code, retryable: ERROR_CODES[code].retryable, retryAfterMs };
}

function lengthOf(part: Exclude<ModelPart, { type: "finish" }>): number {
  switch (part.type) {
    case "tool-input-start":
      return part.toolName.length;
    case "tool-call":
      return part.input.length;
    default:
      return part.text.length;
  }
}
