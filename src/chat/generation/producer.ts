import { ServiceError } from "../../errors.ts";
import type { Hub } from "../../hub/hub.ts";
import type { Topic } from "../../log/topic.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { FinishReason, Usage } from "../../wire/chat.ts";
import type { Chunk } from "../chunk.ts";
import { AnswerChunks } from "./answer-chunks.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { follow } from "./follow.ts";
import type { Model, ModelPart, ModelRequest } from "../models/model.ts";

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
 * or the end of this process, ends it early.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #abort = new AbortController();
  readonly #writer: ChunkWriter;
  readonly #chunks = new AnswerChunks();
  readonly #startedAt = performance.now();
  readonly #interrupt = new AbortController();
  /** Resolves when the topic has been closed, or can no longer be. Never rejects. */
  readonly done: Promise<void>;

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

  /** This process is ending: the answer ends here with an error that invites to ask again. */
  interrupt(): void {
    this.#interrupt.abort();
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    const { hub, logger, metrics, topic } = this.#options;
    metrics.generation("running", 1);
    const requests = follow(hub, topic, (event) => {
      if (event.type === "stop") this.#abort.abort();
    });
    let state = "failed";
    try {
      state = await this.#produce();
    } catch (err) {
      // The topic cannot be closed from here; its readers wait for another writer to do it.
      logger.error({ err, topic }, "a generation could not be written to its end");
    } finally {
      requests.close();
      metrics.generation("running", -1);
      metrics.generation(state, 1);
    }
  }

  async #produce(): Promise<string> {
    const usage: Usage = { inputTokens: 0, outputTokens: 0 };
    let reason: FinishReason;
    let ending: Chunk[] = [];
    try {
      reason = await this.#stream(usage);
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      reason = this.#abort.signal.aborted && !this.#interrupt.signal.aborted ? "stopped" : "error";
      ending = [reason === "stopped" ? { type: "abort" } : this.#describe(error)];
    }
    await this.#writer.end(...this.#chunks.end(), { type: "finish-step" }, ...ending, {
      type: "finish",
      finishReason: reason,
      usage,
    });
    return reason === "error" ? "failed" : reason === "stopped" ? "stopped" : "finished";
  }

  async #stream(usage: Usage): Promise<FinishReason> {
    const { metrics, model, request } = this.#options;
    let length = 0;
    for await (const part of model.stream(request, this.#abort.signal)) {
      if (part.type === "finish") {
        if (part.usage) Object.assign(usage, part.usage);
        return part.reason;
      }
      if (length === 0) metrics.firstToken(performance.now() - this.#startedAt);
      length += lengthOf(part);
      if (part.type === "text") usage.outputTokens++;
      for (const chunk of this.#chunks.of(part)) this.#writer.write(chunk);
      if (length > ANSWER_MAX_LENGTH) return "length";
    }
    throw new Error(`${model.name} ended without a finish`);
  }

  #describe(error: unknown): Chunk {
    if (this.#interrupt.signal.aborted) {
      return {
        type: "error",
        errorText: "The service was shut down. Please ask again.",
        code: "interrupted",
        retryable: true,
      };
    }
    this.#options.logger.warn({ err: error, topic: this.#options.topic }, "a model failed");
    return {
      type: "error",
      errorText: "The model failed. Please try again.",
      code: "model-failed",
      retryable: true,
    };
  }
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
