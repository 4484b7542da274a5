import { type Position, tryPosition } from "../log/position.ts";
import { GENERATION_PATTERN } from "../wire/grammar.ts";

/** How far a reader of an answer has got. */
export interface ChatCursor {
  /** Undefined where the cursor is a bare position: then the request must name it otherwise. */
  readonly generation: string | undefined;
  readonly position: Position;
}

/** SSE ids name their generation, `<generation>:<position>`; NDJSON ids are bare positions. Undefined for anything else. */
export function tryChatCursor(text: string): ChatCursor | undefined {
  const colon = text.indexOf(":");
  const position = tryPosition(text.slice(colon + 1));
  if (!position) return undefined;
  if (colon < 0) return { generation: undefined, position };
  const generation = text.slice(0, colon);
  return isGeneration(generation) ? { generation, position } : undefined;
}

/** Whether the text is what the service calls a generation, rather than a client's own id of a chat. */
export function isGeneration(text: string): boolean {
  return GENERATION_PATTERN.test(text);
}
