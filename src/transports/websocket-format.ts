import { oneLine } from "./one-line.ts";
import type { Format } from "./transport.ts";

const NOTHING = Buffer.alloc(0);

/** One unmasked text message in one frame (RFC 6455 §5.2), so that a broadcast is framed once for all readers. */
export function textMessage(json: string): Buffer {
  const payload = Buffer.byteLength(json);
  const header = payload < 126 ? 2 : payload < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + payload);
  frame[0] = 0x81;
  if (header === 2) frame[1] = payload;
  else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(payload, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(payload), 2);
  }
  frame.write(json, header);
  return frame;
}

/** JSON text messages with a `type`. Heartbeats are the protocol's own pings, and the end has its own code. */
export const websocketFormat: Format = {
  name: "websocket",
  contentType: "application/json",
  ids: "cursor",
  event: ({ type, topic, position, data }, id) =>
    textMessage(
      `{"type":${JSON.stringify(type)},"topic":${JSON.stringify(topic)},"id":"${id}","time":${position.ms},"data":${oneLine(data)}}`,
    ),
  control: (type, data, id) =>
    textMessage(
      JSON.stringify(
        type === "connected"
          ? { type, ...data }
          : { type, ...(id === undefined ? {} : { id }), data },
      ),
    ),
  heartbeat: NOTHING,
  closing: () => undefined,
};
