import type { Event } from "../../log/event.ts";
import type { Format } from "../../transports/transport.ts";
import { chunkOf } from "../chunk.ts";
import { answerFrame } from "./answer-frame.ts";
import { mergeDeltas } from "./merge-deltas.ts";

const NOTHING = Buffer.alloc(0);

/** What a client of the plain formats sees of a chunk; undefined of those that are not for it. */
function documentOf(event: Event): object | undefined {
  const chunk = chunkOf(event);
  switch (chunk.type) {
    case "text-delta":
      return { token: chunk.delta };
    case "error": {
      const { code, errorText: message, retryable, retryAfterMs } = chunk;
      return { error: { code, message, retryable, retryAfterMs } };
    }
    case "finish":
      return { done: true, finishReason: chunk.finishReason, usage: chunk.usage };
    default:
      return undefined;
  }
}

/** A gap in an answer cannot be read over: the history is gone, and the stream is cut after saying so. */
const LOST = {
  error: {
    code: "history-lost",
    message: "The answer's history is gone. Please ask again.",
    retryable: true,
  },
};

/** `{"id","token"}` lines, a final object, then `[DONE]`. A pure projection: equal events give equal bytes anywhere. */
export const chatNdjsonFormat: Format = {
  name: "ndjson",
  contentType: "application/x-ndjson",
  ids: "position",
  endsAtGap: true,
  merge: mergeDeltas,
  event: (event, id) => {
    const document = documentOf(event);
    if (!document) return undefined;
    return Buffer.from(`${JSON.stringify({ id, ...document })}\n${event.last ? "[DONE]\n" : ""}`);
  },
  control: (type) => (type === "gap" ? Buffer.from(`${JSON.stringify(LOST)}\n`) : undefined),
  heartbeat: Buffer.from("\n"),
  closing: ({ reason }) => (reason === "finished" ? NOTHING : undefined),
};

/** The same documents as unnamed SSE events. */
export const chatSseFormat: Format = {
  name: "sse",
  contentType: "text/event-stream",
  ids: "position",
  endsAtGap: true,
  merge: mergeDeltas,
  event: (event, id) => {
    const document = documentOf(event);
    if (!document) return undefined;
    return answerFrame(event, id, document);
  },
  control: (type) =>
    type === "gap" ? Buffer.from(`data: ${JSON.stringify(LOST)}\n\n`) : undefined,
  heartbeat: Buffer.from(":hb\n"),
  closing: ({ reason }) => (reason === "finished" ? NOTHING : undefined),
};
