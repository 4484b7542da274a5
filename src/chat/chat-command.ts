import type { ModelRequest } from "./models/model.ts";

/** What every way to ask for an answer comes down to. */
export interface ChatCommand extends Omit<ModelRequest, "maxTokens"> {
  /** Undefined = the default. */
  readonly model?: string | undefined;
  /** Undefined = the service's default. */
  readonly maxTokens?: number | undefined;
  /** The conversation it belongs to: one answer at a time. */
  readonly chat?: ChatTurn | undefined;
  /** How long it goes on without any reader; undefined = the service's default. */
  readonly abandonAfterMs?: number | undefined;
}

export interface ChatTurn {
  /** The client's own. */
  readonly id: string;
  /** What is answered. Asking again for the same one attaches; undefined = always a new answer. */
  readonly message?: string | undefined;
}

export interface ChatCaller {
  readonly principal: string;
  readonly idempotencyKey: string | undefined;
}
