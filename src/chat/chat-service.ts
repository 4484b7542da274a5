import { createHash, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { idempotencyMismatch, ServiceError } from "../errors.ts";
import type { Hub } from "../hub/hub.ts";
import type { Position } from "../log/position.ts";
import { IDEMPOTENCY_TTL_MS } from "../log/retention.ts";
import { chatTopic, type Topic } from "../log/topic.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { GenerationSnapshot } from "../wire/chat.ts";
import type { ChatCaller, ChatCommand } from "./chat-command.ts";
import { chunkDraft } from "./chunk.ts";
import { follow } from "./generation/follow.ts";
import { Producer } from "./generation/producer.ts";
import type { Model } from "./models/model.ts";
import type { ModelRegistry } from "./models/model-registry.ts";
import { SnapshotFold } from "./snapshot.ts";

const DEFAULT_MAX_TOKENS = 4_096;
/** How long an answer to `stop` waits to say how it ended. */
const STOP_PATIENCE_MS = 2_000;
/** How long a start is tried, so that a lost reply does not leave an answer that nobody writes. */
const START_PATIENCE_MS = 10_000;
const RETRY_MS = 100;
const PAGE = { events: 512, bytes: 262_144 };

export interface ChatServiceOptions {
  readonly hub: Hub;
  readonly state: StateStore;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly models: ModelRegistry;
}

/** A model's answer becomes a topic: starts generations, stops them, and tells how they stand. */
export class ChatService implements AsyncDisposable {
  readonly #options: ChatServiceOptions;
  readonly #producers = new Set<Producer>();
  #draining = false;

  constructor(options: ChatServiceOptions) {
    this.#options = options;
  }

  /** Logs the start, then runs the model. A repetition under the same key attaches. @returns the generation's id */
  async start(command: ChatCommand, caller: ChatCaller): Promise<string> {
    if (this.#draining)
      throw new ServiceError("draining", "This process is shutting down.", { retryAfterMs: 1_000 });
    const model = this.#options.models.find(command.model);
    const generation = await this.#claim(command, caller);
    const topic = chatTopic(generation);
    if (await this.#appendStart(topic, generation, model, caller.principal)) this.#produce(topic, model, command);
    else if (!(await this.exists(generation))) throw unknownGeneration(generation);
    return generation;
  }

  /**
   * Logs the start. Of all who repeat a request, whoever's start is in runs the model; our own repetition after a lost
   * reply is known by its token. @returns whether it is ours
   */
  async #appendStart(
    topic: Topic,
    generation: string,
    model: Model,
    owner: string,
  ): Promise<boolean> {
    const start = chunkDraft({ type: "start", messageId: generation, model: model.name, owner });
    const drafts = [start, chunkDraft({ type: "start-step" })];
    const idempotency = { key: "start", fingerprint: randomUUID() };
    const giveUpAt = performance.now() + START_PATIENCE_MS;
    for (;;) {
      try {
        const { repeated } = await this.#options.hub.log.append(topic, drafts, { idempotency });
        if (!repeated) this.#options.metrics.published("chat", drafts.length);
        return true;
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (error.code === "idempotency-mismatch") return false;
        if (error.code !== "log-unavailable" || performance.now() > giveUpAt || this.#draining)
          throw error;
        await delay(RETRY_MS);
      }
    }
  }

  async #claim(command: ChatCommand, { principal, idempotencyKey }: ChatCaller): Promise<string> {
    const generation = `gen-${randomUUID()}`;
    if (idempotencyKey === undefined) return generation;
    const fingerprint = createHash("sha256")
      .update(JSON.stringify(command))
      .digest("base64url")
      .slice(0, 22);
    const key = `chat:${principal}:${idempotencyKey}`;
    const held = await this.#options.state.claim(
      key,
      `${generation} ${fingerprint}`,
      IDEMPOTENCY_TTL_MS,
    );
    const [first, print] = held.split(" ");
    if (print !== fingerprint) throw idempotencyMismatch();
    return first!;
  }

  #produce(topic: Topic, model: Model, command: ChatCommand): void {
    const { hub, metrics, logger } = this.#options;
    const { chat: _, model: __, abandonAfterMs: ___, ...asked } = command;
    const request = { ...asked, maxTokens: asked.maxTokens ?? DEFAULT_MAX_TOKENS };
    const producer = new Producer({ hub, metrics, logger, topic, model, request });
    this.#producers.add(producer);
    void producer.done.then(() => this.#producers.delete(producer));
    if (this.#draining) producer.interrupt();
  }

  /** How it stands now. @throws ServiceError `not-found` */
  async snapshot(generation: string): Promise<GenerationSnapshot> {
    const topic = chatTopic(generation);
    const fold = new SnapshotFold(generation);
    for (let after: Position | "earliest" = "earliest"; ;) {
      const { events, more } = await this.#options.hub.log.read(topic, after, PAGE);
      for (const event of events) fold.add(event);
      if (!more || events.length === 0) break;
      after = events.at(-1)!.position;
    }
    if (!fold.snapshot) throw unknownGeneration(generation);
    return fold.snapshot;
  }

  /** How it has ended. The signal stops the waiting, not the generation. */
  async whenEnded(generation: string, signal: AbortSignal): Promise<GenerationSnapshot> {
    const fold = new SnapshotFold(generation);
    const following = follow(this.#options.hub, chatTopic(generation), (event) => fold.add(event));
    if (signal.aborted) following.close();
    signal.addEventListener("abort", following.close, { once: true });
    try {
      const whole = await following.ended;
      if (!whole || !fold.snapshot)
        throw new ServiceError("draining", "The wait for the answer was cut short.", {
          retryAfterMs: 1_000,
        });
      return fold.snapshot;
    } finally {
      signal.removeEventListener("abort", following.close);
      following.close();
    }
  }

  /** Asks its producer, wherever that runs, to stop; what has been said stays. Harmless once it has ended. */
  async stop(generation: string): Promise<GenerationSnapshot> {
    const before = await this.snapshot(generation);
    if (before.state !== "running") return before;
    try {
      const idempotency = { key: "stop", fingerprint: "" };
      await this.#options.hub.log.append(chatTopic(generation), [chunkDraft({ type: "stop" })], {
        idempotency,
      });
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== "topic-closed") throw error;
    }
    try {
      return await this.whenEnded(generation, AbortSignal.timeout(STOP_PATIENCE_MS));
    } catch {
      return this.snapshot(generation);
    }
  }

  /** True where its topic is there. */
  async exists(generation: string): Promise<boolean> {
    return (await this.#options.hub.log.head(chatTopic(generation))).position.n > 0;
  }

  /** Lets running generations end, until the signal aborts; then they end with an error. Starts no more. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#draining = true;
    const running = Promise.all([...this.#producers].map(({ done }) => done));
    const interrupt = () => this.#producers.forEach((producer) => producer.interrupt());
    if (deadline.aborted) interrupt();
    else deadline.addEventListener("abort", interrupt, { once: true });
    await running;
    deadline.removeEventListener("abort", interrupt);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(AbortSignal.abort());
  }
}

export function unknownGeneration(generation: string): ServiceError {
  return new ServiceError(
    "not-found",
    `There is no generation ${generation}, or it is no longer kept.`,
    { field: "generation" },
  );
}
