import { type ChatCursor, tryChatCursor } from "../chat/chat-cursor.ts";
import { ServiceError } from "../errors.ts";
import type { Start } from "../hub/start.ts";
import type { EventLog } from "../log/event-log.ts";
import { justBefore, type Position } from "../log/position.ts";
import { chatTopic } from "../log/topic.ts";
import { CURSOR_PARAMETERS } from "../wire/stream-query.ts";
import type { AppContext } from "./request.ts";

export interface ShownCursor extends ChatCursor {
  /** Where the request has it. */
  readonly field: string;
}

/** Undefined without a cursor. @throws ServiceError for garbage: half an answer is none, so there is no gap to tell */
export function shownCursor(c: AppContext): ShownCursor | undefined {
  const header = c.req.header("last-event-id");
  const field = header ? "Last-Event-ID" : CURSOR_PARAMETERS.find((name) => c.req.query(name));
  if (!field) return undefined;
  const cursor = tryChatCursor(header || c.req.query(field)!);
  if (cursor) return { ...cursor, field };
  throw notOurs(field);
}

function notOurs(field: string): ServiceError {
  return new ServiceError("invalid-parameter", `${field} is not a position of this generation.`, {
    field,
  });
}

/**
 * Where a reader goes on. Who has seen all is told the end again, where a stream without a word would leave it in doubt.
 * @throws ServiceError `invalid-parameter` for a cursor of another generation
 */
export async function startAfter(
  log: EventLog,
  generation: string,
  shown: ShownCursor | undefined,
): Promise<Start> {
  if (!shown) return { kind: "earliest" };
  const end = await endSeen(log, generation, shown);
  return { kind: "cursor", position: end ? justBefore(end) : shown.position };
}

/**
 * Where the answer has ended, if the reader has seen all of it.
 * @throws ServiceError `invalid-parameter` for a cursor of another generation
 */
export async function endSeen(
  log: EventLog,
  generation: string,
  shown: ShownCursor,
): Promise<Position | undefined> {
  if (shown.generation !== undefined && shown.generation !== generation) throw notOurs(shown.field);
  const topic = chatTopic(generation);
  // The head first: what it calls closed, the reading after it has seen whole.
  const [head, next] = await Promise.all([
    log.head(topic),
    log.read(topic, shown.position, { events: 1, bytes: 1 }),
  ]);
  if (next.gap || next.retracted) throw notOurs(shown.field);
  return head.closed && next.events.length === 0 ? head.position : undefined;
}
