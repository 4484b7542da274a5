import { createJsonFormat } from "../transports/json-document.ts";
import { createNdjsonFormat } from "../transports/ndjson.ts";
import { createSseFormat } from "../transports/sse.ts";
import type { Format } from "../transports/transport.ts";
import { logTextFormat } from "../wukongs/log-text-format.ts";

type ByName = Readonly<Record<"sse" | "ndjson" | "json", Format>>;

/** The formats of topic streams, made once: readers of the same one share their frames. */
export interface TopicFormats {
  readonly plain: ByName;
  /** Each event with its topic, for readers of several. */
  readonly envelope: ByName;
  readonly logText: Format;
}

/** @param retryMs what an EventSource waits before it comes back, unless it is told otherwise */
export function createTopicFormats(retryMs: number): TopicFormats {
  const make = (envelope: boolean): ByName => {
    const ndjson = createNdjsonFormat({ envelope });
    return { sse: createSseFormat({ retryMs, envelope }), ndjson, json: createJsonFormat(ndjson) };
  };
  return { plain: make(false), envelope: make(true), logText: logTextFormat };
}
