import type { Event } from "../../log/event.ts";
import { generationOf } from "../../log/topic.ts";

/**
 * An event of an answer as SSE: unnamed, with the cursor in `id:` alone, and `[DONE]` after the last.
 *
 * The cursor names the generation beside the position: a client that repeats its POST with it is given the rest, and not
 * another answer. It stands behind the data: `@microsoft/fetch-event-source` takes an event for received as soon as it
 * has read its id, and would lose one that is cut between the two.
 */
export function answerFrame(event: Event, id: string, document: object): Buffer {
  const frame = `data: ${JSON.stringify(document)}\nid: ${generationOf(event.topic)}:${id}\n\n`;
  return Buffer.from(event.last ? `${frame}data: [DONE]\n\n` : frame);
}
