import type { Event } from "../log/event.ts";
import { oneLine } from "./one-line.ts";
import type { Closing, Format } from "./transport.ts";

const NEWLINE = Buffer.from("\n");

/**
 * One JSON document a line (application/x-ndjson): `{"id","type","time","data"}`, with `topic` for readers of several.
 * A heartbeat is an empty line.
 */
export function createNdjsonFormat({ envelope }: { readonly envelope: boolean }): Format {
  const bodies = new WeakMap<Event, Buffer>();
  const body = (event: Event): Buffer => {
    let made = bodies.get(event);
    if (!made) {
      const topic = envelope ? `"topic":${JSON.stringify(event.topic)},` : "";
      const head = `"type":${JSON.stringify(event.type)},${topic}"time":${event.position.ms}`;
      bodies.set(event, (made = Buffer.from(`${head},"data":${oneLine(event.data)}}\n`)));
    }
    return made;
  };
  return {
    name: "ndjson",
    contentType: "application/x-ndjson",
    ids: "cursor",
    event: (event, id) => Buffer.concat([Buffer.from(`{"id":"${id}",`, "latin1"), body(event)]),
    control: (type, data, id) => line({ type, ...(id === undefined ? {} : { id }), data }),
    heartbeat: NEWLINE,
    closing: ({ reason, reconnect, retryMs }: Closing) =>
      line({ type: "closed", data: { reason, reconnect, retryMs } }),
  };
}

function line(document: object): Buffer {
  return Buffer.from(`${JSON.stringify(document)}\n`);
}
