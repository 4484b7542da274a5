import { EventMemo } from "../log/event-memo.ts";
import { oneLine } from "./one-line.ts";
import type { Closing, Format } from "./transport.ts";

const NEWLINE = Buffer.from("\n");

/**
 * One JSON document a line (application/x-ndjson): `{"id","type","time","data"}`, with `topic` for readers of several.
 * A heartbeat is an empty line.
 */
export function createNdjsonFormat({ envelope }: { readonly envelope: boolean }): Format {
  const bodies = new EventMemo(({ topic, type, position, data }) => {
    const about = envelope ? `"topic":${JSON.stringify(topic)},` : "";
    const head = `"type":${JSON.stringify(type)},${about}"time":${position.ms}`;
    return Buffer.from(`${head},"data":${oneLine(data)}}\n`);
  });
  return {
    name: "ndjson",
    contentType: "application/x-ndjson",
    ids: "cursor",
    event: (event, id) =>
      Buffer.concat([Buffer.from(`{"id":"${id}",`, "latin1"), bodies.of(event)]),
    control: (type, data, id) => line({ type, ...(id === undefined ? {} : { id }), data }),
    heartbeat: NEWLINE,
    closing: ({ reason, reconnect, retryMs }: Closing) =>
      line({ type: "closed", data: { reason, reconnect, retryMs } }),
  };
}

function line(document: object): Buffer {
  return Buffer.from(`${JSON.stringify(document)}\n`);
}
