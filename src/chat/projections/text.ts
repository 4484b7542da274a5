import type { Format } from "../../transports/transport.ts";
import { chunkOf } from "../chunk.ts";

const NOTHING = Buffer.alloc(0);

/**
 * The answer's text as it is, token by token, for `curl` and terminals. It has no words for anything else: no ids, no
 * heartbeats, and an answer that has failed or was given up is cut, so that its end is not taken for the end of the text.
 */
export const chatTextFormat: Format = {
  name: "text",
  contentType: "text/plain; charset=utf-8",
  ids: "position",
  endsAtGap: true,
  event: (event) => {
    const chunk = chunkOf(event);
    return chunk.type === "text-delta" ? Buffer.from(chunk.delta) : undefined;
  },
  fails: (event) => {
    const chunk = chunkOf(event);
    return (
      chunk.type === "error" || (chunk.type === "finish" && chunk.finishReason === "abandoned")
    );
  },
  control: () => undefined,
  heartbeat: NOTHING,
  closing: ({ reason, failed }) => (reason === "finished" && !failed ? NOTHING : undefined),
};
