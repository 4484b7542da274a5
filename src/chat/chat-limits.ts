import { ServiceError } from "../errors.ts";
import type { ChatCommand } from "./chat-command.ts";

export interface ChatLimits {
  /** Of all messages together, in bytes of UTF-8. */
  readonly maxPromptBytes: number;
  readonly maxMessages: number;
  /** Of an answer. */
  readonly maxTokens: number;
}

/** An answer's tokens where the caller does not say. */
const DEFAULT_MAX_TOKENS = 4_096;

/** The tokens that its answer may have. @throws ServiceError `too-large`, `invalid-body` */
export function requireWithin(limits: ChatLimits, command: ChatCommand): number {
  const { messages, maxTokens } = command;
  if (messages.length > limits.maxMessages) {
    const detail = `A conversation may have at most ${limits.maxMessages} messages, not ${messages.length}.`;
    throw new ServiceError("too-large", detail, {
      field: "messages",
      extra: { maxMessages: limits.maxMessages },
    });
  }
  const bytes = messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  if (bytes > limits.maxPromptBytes) {
    const detail = `The messages have ${bytes} bytes; at most ${limits.maxPromptBytes} are taken.`;
    throw new ServiceError("too-large", detail, {
      field: "messages",
      extra: { maxPromptBytes: limits.maxPromptBytes },
    });
  }
  if (maxTokens !== undefined && maxTokens > limits.maxTokens) {
    // Without the member's name: not every API calls it so.
    const detail = `An answer may have at most ${limits.maxTokens} tokens.`;
    throw new ServiceError("invalid-body", detail, { field: "maxTokens" });
  }
  return maxTokens ?? Math.min(DEFAULT_MAX_TOKENS, limits.maxTokens);
}
