import type { AnswerArchive } from "../chat/answer-archive.ts";
import type { ChatCaller, ChatCommand } from "../chat/chat-command.ts";
import type { ChatService, Started } from "../chat/chat-service.ts";
import type { Readership } from "../chat/generation/readership.ts";
import { ServiceError } from "../errors.ts";
import type { Start } from "../hub/start.ts";
import type { EventLog } from "../log/event-log.ts";
import { chatTopic } from "../log/topic.ts";
import type { ShownCursor } from "./answer-cursor.ts";
import type { BodyLimits } from "./body.ts";
import type { StreamServices, StreamSpec } from "./open-stream.ts";

/** What every way to read an answer needs. */
export interface AnswerServices extends StreamServices {
  readonly chat: ChatService;
  readonly archive: AnswerArchive;
  /** By which an answer's writer knows that somebody reads it. */
  readonly readers: Readership;
  readonly log: EventLog;
  readonly limits: BodyLimits;
}

/**
 * The generation that a POST is about. One that shows a cursor wants the rest of an answer, and never another one: some
 * clients repeat their POST whenever a stream breaks.
 * @throws ServiceError `invalid-parameter` for a cursor of which it cannot be told whose it is
 */
export async function generationFor(
  { archive, chat }: AnswerServices,
  command: ChatCommand,
  caller: ChatCaller,
  shown: ShownCursor | undefined,
): Promise<Started> {
  if (shown?.generation !== undefined) {
    await archive.requireReadable(shown.generation, caller.principal);
    return { generation: shown.generation, attached: true };
  }
  if (shown && caller.idempotencyKey === undefined) {
    const detail = `${shown.field} on a POST must name its generation, or come with its Idempotency-Key.`;
    throw new ServiceError("invalid-parameter", detail, { field: shown.field });
  }
  return chat.start(command, caller);
}

export interface AnswerReading {
  readonly generation: string;
  readonly start: Start;
  /** Beside those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether what has been said may come in few pieces. */
  readonly merged?: boolean;
}

/** A stream of an answer. Its reader counts as one until it is closed. */
export function answerSpec(readers: Readership, reading: AnswerReading): StreamSpec {
  const { generation, start, headers, merged } = reading;
  const reader = readers.join(generation);
  return {
    headers: { ...answerHeaders(generation), ...headers },
    subscriptions: [{ topic: chatTopic(generation), start }],
    merged,
    onClosed: () => reader[Symbol.dispose](),
  };
}

export function answerHeaders(generation: string): Record<string, string> {
  return { "x-generation-id": generation, "content-location": `/api/v1/ai/chat/${generation}` };
}
