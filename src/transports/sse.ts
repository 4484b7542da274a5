import { EventMemo } from "../log/event-memo.ts";
import type { ControlType } from "../wire/grammar.ts";
import { oneLine } from "./one-line.ts";
import type { Closing, Format } from "./transport.ts";

/** A comment line and no blank line: a blank line after it fires an empty message in some clients. */
const HEARTBEAT = Buffer.from(":hb\n");

/** `data:` lines of a text, whatever line ends it has (WHATWG HTML §9.2.6: CR, LF and CRLF all end a line). */
export function dataLines(text: string): string {
  if (!/[\r\n]/.test(text)) return `data: ${text}\n`;
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join("");
}

function frame(type: string, data: string, id: string | undefined, retryMs?: number): Buffer {
  const retry = retryMs === undefined ? "" : `retry: ${retryMs}\n`;
  const idLine = id === undefined ? "" : `id: ${id}\n`;
  return Buffer.from(`${retry}${idLine}event: ${type}\n${dataLines(data)}\n`);
}

export interface SseFormatOptions {
  /** What a client waits before it comes back, in ms, unless `closed` says otherwise. */
  readonly retryMs: number;
  /** Wraps each event's data as `{topic, time, data}`, for readers of several topics. */
  readonly envelope: boolean;
}

/** Server-Sent Events with named events. */
export function createSseFormat({ retryMs, envelope }: SseFormatOptions): Format {
  /** What follows the id line, which is the reader's own. */
  const bodies = new EventMemo(({ topic, type, position, data }) => {
    const text = envelope
      ? `{"topic":${JSON.stringify(topic)},"time":${position.ms},"data":${oneLine(data)}}`
      : oneLine(data);
    return Buffer.from(`event: ${type}\n${dataLines(text)}\n`);
  });
  return {
    name: "sse",
    contentType: "text/event-stream",
    ids: "cursor",
    event: (event, id) => Buffer.concat([Buffer.from(`id: ${id}\n`, "latin1"), bodies.of(event)]),
    control: (type: ControlType, data: object, id?: string) =>
      frame(type, JSON.stringify(data), id, type === "connected" ? retryMs : undefined),
    heartbeat: HEARTBEAT,
    closing: ({ reason, reconnect, retryMs: advised }: Closing) =>
      frame("closed", JSON.stringify({ reason, reconnect }), undefined, advised ?? retryMs),
  };
}
