import type { Event } from "../log/event.ts";
import type { FinishReason, GenerationSnapshot } from "../wire/chat.ts";
import { chunkOf } from "./chunk.ts";

/** Folds a generation's events, in order, into one document. */
export class SnapshotFold {
  readonly #generation: string;
  #snapshot: GenerationSnapshot | undefined;

  constructor(generation: string) {
    this.#generation = generation;
  }

  /** Undefined before `start`. */
  get snapshot(): GenerationSnapshot | undefined {
    return this.#snapshot;
  }

  add(event: Event): void {
    const chunk = chunkOf(event);
    const at = new Date(event.position.ms).toISOString();
    if (chunk.type === "start") {
      const { model } = chunk;
      this.#snapshot = {
        generation: this.#generation,
        state: "running",
        model,
        text: "",
        startedAt: at,
      };
    }
    const snapshot = this.#snapshot;
    if (!snapshot) return;
    switch (chunk.type) {
      case "text-delta":
        snapshot.firstTokenAt ??= at;
        snapshot.text += chunk.delta;
        break;
      case "reasoning-delta":
        snapshot.firstTokenAt ??= at;
        snapshot.reasoning = (snapshot.reasoning ?? "") + chunk.delta;
        break;
      case "tool-input-available": {
        snapshot.firstTokenAt ??= at;
        const { toolCallId, toolName, input } = chunk;
        (snapshot.toolCalls ??= []).push({ toolCallId, toolName, input });
        break;
      }
      case "error":
        snapshot.error = {
          code: chunk.code,
          message: chunk.errorText,
          retryable: chunk.retryable,
          ...(chunk.retryAfterMs === undefined ? {} : { retryAfterMs: chunk.retryAfterMs }),
        };
        break;
      case "finish":
        snapshot.state = STATES[chunk.finishReason];
        snapshot.finishReason = chunk.finishReason;
        if (chunk.usage) snapshot.usage = chunk.usage;
        snapshot.endedAt = at;
        break;
      default:
        break;
    }
  }
}

/** The state that a finish reason leaves. */
export const STATES = {
  stop: "finished",
  length: "finished",
  "tool-calls": "finished",
  "content-filter": "finished",
  stopped: "stopped",
  abandoned: "stopped",
  error: "failed",
} as const satisfies Record<FinishReason, GenerationSnapshot["state"]>;
