import { createHash, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { idempotencyMismatch, ServiceError } from "../errors.ts";
import type { Hub } from "../hub/hub.ts";
import { IDEMPOTENCY_TTL_MS } from "../log/retention.ts";
import { chatTopic } from "../log/topic.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { GenerationSnapshot } from "../wire/chat.ts";
import { ActiveAnswers } from "./active-answers.ts";
import { type AnswerArchive, unknownGeneration } from "./answer-archive.ts";
import type { AnswerRoom } from "./answer-room.ts";
import type { ChatCaller, ChatCommand } from "./chat-command.ts";
import { type ChatLimits, requireWithin } from "./chat-limits.ts";
import { chunkDraft } from "./chunk.ts";
import type { Generations } from "./generation/generations.ts";
import type { Lease } from "./generation/leases.ts";
import type { ModelRegistry } from "./models/model-registry.ts";

/** How long an answer to `stop` waits to say how it ended. */
const STOP_PATIENCE_MS = 2_000;
/** How long a start is tried, so that a lost reply does not leave an answer that nobody writes. */
const START_PATIENCE_MS = 10_000;
const RETRY_MS = 100;

export interface ChatServiceOptions {
  readonly hub: Hub;
  readonly state: StateStore;
  readonly metrics: Metrics;
  readonly models: ModelRegistry;
  readonly generations: Generations;
  readonly archive: AnswerArchive;
  readonly limits: ChatLimits;
  readonly room: AnswerRoom;
  /** How long an answer goes on without a reader, where its caller does not say. */
  readonly abandonAfterMs: number;
}

export interface Started {
  readonly generation: string;
  /** True where it had been asked for before: nothing was started. */
  readonly attached: boolean;
}

/** A model's answer becomes a topic: starts generations, finds those that answer already, and stops them. */
export class ChatService {
  readonly #options: ChatServiceOptions;
  readonly #answers: ActiveAnswers;
  #draining = false;

  constructor(options: ChatServiceOptions) {
    this.#options = options;
    const { archive, generations, state } = options;
    this.#answers = new ActiveAnswers({
      state,
      standingOf: async (generation) => {
        const standing = await archive.standing(generation);
        if (standing === "running") await generations.isWritten(generation);
        if (standing !== "gone") return standing;
        return (await generations.leases.isHeld(generation)) ? "starting" : "gone";
      },
    });
  }

  /**
   * Logs the start, then runs the model. A repetition attaches: the same Idempotency-Key, or the same message of a chat.
   * @throws ServiceError `overloaded`, `chat-busy`, `rate-limited`, `unknown-model`, `too-large`, `invalid-body`
   */
  async start(command: ChatCommand, caller: ChatCaller): Promise<Started> {
    if (this.#draining)
      throw new ServiceError("draining", "This process is shutting down.", { retryAfterMs: 1_000 });
    const { archive, generations, limits, models } = this.#options;
    const model = models.find(command.model);
    const maxTokens = requireWithin(limits, command);
    using _place = this.#options.room.enter();
    const { principal } = caller;
    const generation = await this.#claimKey(command, caller);
    const repeated = caller.idempotencyKey !== undefined && (await archive.exists(generation));
    if (repeated) return { generation, attached: true };
    const lease = await generations.leases.take(generation, principal);
    try {
      const answer = await this.#claimChat(command, lease);
      if (answer !== generation) {
        await generations.leases.giveBack(lease);
        return { generation: answer, attached: true };
      }
      if (!(await this.#appendStart(lease, model.name))) {
        generations.leases.forget(lease);
        if (!(await archive.exists(generation))) throw unknownGeneration(generation);
        return { generation, attached: true };
      }
    } catch (error) {
      // Where it has been begun after all, it is ended once the lease has lapsed.
      generations.leases.forget(lease);
      throw error;
    }
    const { chat: _, model: __, abandonAfterMs = this.#options.abandonAfterMs, ...asked } = command;
    generations.run({ lease, model, request: { ...asked, maxTokens }, abandonAfterMs });
    return { generation, attached: false };
  }

  /** The generation that answers: this one, or in a chat another one. @throws ServiceError `chat-busy` */
  async #claimChat(command: ChatCommand, lease: Lease): Promise<string> {
    const { generation, principal } = lease;
    if (!command.chat) return generation;
    try {
      return await this.#answers.claim(principal, command.chat, command, generation);
    } catch (error) {
      // Nothing has been begun, and nobody knows of it.
      const busy = error instanceof ServiceError && error.code === "chat-busy";
      if (busy) await this.#options.generations.leases.giveBack(lease);
      throw error;
    }
  }

  /**
   * Logs the start. Of all who repeat a request, whoever's start is in runs the model; our own repetition after a lost
   * reply is known by its token. @returns whether it is ours
   */
  async #appendStart({ generation, principal }: Lease, model: string): Promise<boolean> {
    const { hub, metrics } = this.#options;
    const drafts = [
      chunkDraft({ type: "start", messageId: generation, model, owner: principal }),
      chunkDraft({ type: "start-step" }),
    ];
    const idempotency = { key: "start", fingerprint: randomUUID() };
    const giveUpAt = performance.now() + START_PATIENCE_MS;
    for (;;) {
      try {
        const topic = chatTopic(generation);
        const { repeated } = await hub.log.append(topic, drafts, { idempotency });
        if (!repeated) metrics.published("chat", drafts.length);
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

  /** The generation that stands for the caller's key, or a new one. */
  async #claimKey(
    command: ChatCommand,
    { principal, idempotencyKey }: ChatCaller,
  ): Promise<string> {
    const generation = `gen-${randomUUID()}`;
    if (idempotencyKey === undefined) return generation;
    // How long it is to go on unread is no part of what is asked.
    const asked = { ...command, abandonAfterMs: undefined };
    const hash = createHash("sha256").update(JSON.stringify(asked));
    const fingerprint = hash.digest("base64url").slice(0, 22);
    const held = await this.#options.state.claim(
      `chat:key:${principal}:${idempotencyKey}`,
      `${generation} ${fingerprint}`,
      IDEMPOTENCY_TTL_MS,
    );
    const [first, print] = held.split(" ");
    if (print !== fingerprint) throw idempotencyMismatch();
    return first!;
  }

  /** The generation that answers in this chat now. */
  active(chatId: string, principal: string): Promise<string | undefined> {
    return this.#answers.find(principal, chatId);
  }

  /** Asks its producer, wherever that runs, to stop; what has been said stays. Harmless once it has ended. */
  async stop(generation: string, principal: string): Promise<GenerationSnapshot> {
    const { archive, hub, metrics } = this.#options;
    const before = await archive.snapshot(generation, principal);
    if (before.state !== "running") return before;
    try {
      const idempotency = { key: "stop", fingerprint: "" };
      const draft = chunkDraft({ type: "stop" });
      await hub.log.append(chatTopic(generation), [draft], { idempotency });
      metrics.published("chat", 1);
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== "topic-closed") throw error;
    }
    try {
      return await archive.whenEnded(generation, AbortSignal.timeout(STOP_PATIENCE_MS));
    } catch {
      return archive.snapshot(generation, principal);
    }
  }

  /**
   * Stops what answers in this chat now.
   * @param only does nothing where another generation answers by now: the caller means one that is over
   * @returns undefined where nothing was stopped
   */
  async stopChat(
    chatId: string,
    principal: string,
    only?: string,
  ): Promise<GenerationSnapshot | undefined> {
    const generation = await this.active(chatId, principal);
    if (generation === undefined || (only !== undefined && only !== generation)) return undefined;
    return this.stop(generation, principal);
  }

  /** Starts no more; lets running generations end, until the signal aborts. */
  drain(deadline: AbortSignal): Promise<void> {
    this.#draining = true;
    return this.#options.generations.drain(deadline);
  }
}
