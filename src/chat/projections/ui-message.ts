import type { Event } from "../../log/event.ts";
import type { Format } from "../../transports/transport.ts";
import { chunkOf } from "../chunk.ts";
import { answerFrame } from "./answer-frame.ts";
import { mergeDeltas } from "./merge-deltas.ts";

/**
 * A chunk as clients of the UI message stream protocol are shown it; undefined of those that are not for them.
 *
 * Only what every version of the AI SDK since 5.0 takes: its first ones end a stream with an error at a type or a member
 * that they do not know, so members of our own are dropped, `abort` gives no reason and `finish` nothing at all.
 */
export function uiChunkOf(event: Event): object | undefined {
  const chunk = chunkOf(event);
  const { type } = chunk;
  switch (type) {
    case "start":
      return { type, messageId: chunk.messageId };
    case "text-start":
    case "text-end":
    case "reasoning-start":
    case "reasoning-end":
      return { type, id: chunk.id };
    case "text-delta":
    case "reasoning-delta":
      return { type, id: chunk.id, delta: chunk.delta };
    case "tool-input-start":
      return { type, toolCallId: chunk.toolCallId, toolName: chunk.toolName };
    case "tool-input-delta":
      return { type, toolCallId: chunk.toolCallId, inputTextDelta: chunk.inputTextDelta };
    case "tool-input-available":
      return {
        type,
        toolCallId: chunk.toolCallId,
        toolName: chunk.toolName,
        input: chunk.input,
      };
    case "error":
      return { type, errorText: chunk.errorText };
    case "start-step":
    case "finish-step":
    case "abort":
    case "finish":
      return { type };
    default:
      // A `stop`; or what a newer process has written, during an update.
      return undefined;
  }
}

const NOTHING = Buffer.alloc(0);

/** Half an answer is none. `finish` too, or its clients would come back for the rest at once, for ever. */
const LOST = Buffer.from(
  [
    { type: "error", errorText: "The answer's history is gone. Please ask again." },
    { type: "finish" },
  ]
    .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
    .join(""),
);

/**
 * The UI message stream of the AI SDK (`x-vercel-ai-ui-message-stream: v1`): unnamed SSE events, since its clients take
 * every `data:` for a chunk, with the cursor in `id:` alone. A pure projection: equal events give equal bytes anywhere.
 */
export const uiMessageFormat: Format = {
  name: "sse",
  contentType: "text/event-stream",
  ids: "position",
  endsAtGap: true,
  merge: mergeDeltas,
  event: (event, id) => {
    const chunk = uiChunkOf(event);
    if (!chunk) return undefined;
    return answerFrame(event, id, chunk);
  },
  control: (type) => (type === "gap" ? LOST : undefined),
  // A comment line and no blank line, which some clients would take for an empty message.
  heartbeat: Buffer.from(":hb\n"),
  closing: ({ reason }) => (reason === "finished" ? NOTHING : undefined),
};
