import { AnswerArchive } from "../../src/chat/answer-archive.ts";
import { AnswerRoom } from "../../src/chat/answer-room.ts";
import type { ChatCommand } from "../../src/chat/chat-command.ts";
import type { ChatLimits } from "../../src/chat/chat-limits.ts";
import { ChatService } from "../../src/chat/chat-service.ts";
import { Generations } from "../../src/chat/generation/generations.ts";
import { ModelError } from "../../src/chat/models/model-error.ts";
import { ModelRegistry } from "../../src/chat/models/model-registry.ts";
import type { Model, ModelPart } from "../../src/chat/models/model.ts";
import { Hub } from "../../src/hub/hub.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { MemoryStateStore } from "../../src/state/memory-state-store.ts";
import type { StateStore } from "../../src/state/state-store.ts";
import type { Usage } from "../../src/wire/chat.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";

/** A model that says what the test tells it to, when it tells it to. */
export class PuppetModel implements Model {
  readonly name = "puppet";
  readonly calls: PuppetCall[] = [];

  async *stream(_: unknown, signal: AbortSignal): AsyncGenerator<ModelPart> {
    const call = new PuppetCall(signal);
    this.calls.push(call);
    yield* call.parts();
  }

  get last(): PuppetCall {
    return this.calls.at(-1)!;
  }
}

export class PuppetCall {
  readonly signal: AbortSignal;
  #parts: (ModelPart | Error)[] = [];
  #wake = () => {};

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener("abort", () => this.#wake());
  }

  say(text: string): void {
    this.#push({ type: "text", text });
  }

  /** @param usage null = it tells none */
  finish(usage: Usage | null = { inputTokens: 1, outputTokens: 2 }): void {
    this.#push({ type: "finish", reason: "stop", usage: usage ?? undefined });
  }

  fail(): void {
    this.#push(new ModelError("model-unavailable", "The model is away."));
  }

  #push(part: ModelPart | Error): void {
    this.#parts.push(part);
    this.#wake();
  }

  async *parts(): AsyncGenerator<ModelPart> {
    for (;;) {
      this.signal.throwIfAborted();
      const part = this.#parts.shift();
      if (part instanceof Error) throw part;
      if (part) {
        yield part;
        if (part.type === "finish") return;
      } else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

export interface TestChatOptions {
  readonly log?: EventLog;
  readonly state?: StateStore;
  readonly models?: ModelRegistry;
  readonly leaseMs?: number;
  readonly abandonAfterMs?: number;
  readonly maxPerPrincipal?: number;
  readonly maxGenerations?: number;
  readonly watchMs?: number;
  readonly limits?: Partial<ChatLimits>;
}

/** A chat service of one process, whose log and state may be shared with others. */
export function startTestChat(options: TestChatOptions = {}) {
  const log =
    options.log ?? new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1_000_000_000 });
  const state = options.state ?? new MemoryStateStore();
  const puppet = new PuppetModel();
  const models = options.models ?? new ModelRegistry([puppet]);
  const { leaseMs = 10_000, abandonAfterMs = 60_000, maxPerPrincipal = 0 } = options;
  const [metrics, logger] = [new Metrics(), createLogger({ level: "silent", pretty: false })];
  const hub = new Hub({ log, metrics, logger, ringCapacity: 100, ringBytes: 1_000_000 });
  const archive = new AnswerArchive(hub);
  const generations = new Generations({
    hub,
    state,
    metrics,
    logger,
    leaseMs,
    maxPerPrincipal,
    ...(options.watchMs === undefined ? {} : { watchMs: options.watchMs }),
  });
  const limits = {
    maxPromptBytes: 1_000,
    maxMessages: 10,
    maxTokens: 1_000,
    ...options.limits,
  };
  const { maxGenerations = 0 } = options;
  const room = new AnswerRoom({ maxGenerations, metrics, running: () => generations.count });
  const common = {
    room,
    hub,
    state,
    metrics,
    models,
    generations,
    archive,
    limits,
    abandonAfterMs,
  };
  const chat = new ChatService(common);
  return {
    log,
    state,
    hub,
    archive,
    generations,
    chat,
    puppet,
    metrics,
    [Symbol.asyncDispose]: async () => {
      await generations[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
}

export const ADA = { principal: "ada", idempotencyKey: undefined };

/** A question of one user message. */
export function asked(content: string, rest: Partial<ChatCommand> = {}): ChatCommand {
  return { messages: [{ role: "user", content }], ...rest };
}
