import type { Event } from "../log/event.ts";
import { EventMemo } from "../log/event-memo.ts";
import type { Format } from "../transports/transport.ts";
import { logLineOf } from "./log-line.ts";

/** Control characters but TAB: a log line must not move the cursor of the terminal that shows it, nor end its line. */
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g;

const NAMES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\u001b": "\\e" };

function visible(text: string): string {
  return text.replace(
    CONTROL,
    (char) => NAMES[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function lineOf(event: Event): Buffer {
  const { time, level = "info", source, message, fields } = logLineOf(event);
  const moment = time ?? new Date(event.position.ms).toISOString();
  const where = source === undefined ? "" : `[${visible(source)}] `;
  const rest = fields === undefined ? "" : ` ${JSON.stringify(fields)}`;
  return Buffer.from(
    `${moment} ${level.toUpperCase().padEnd(5)} ${where}${visible(message)}${visible(rest)}\n`,
  );
}

const lines = new EventMemo(lineOf);

const remark = (text: string): Buffer => Buffer.from(`# ${text}\n`);

/** A log as people read it, one line each; what the stream itself says begins with `#`. It carries no ids. */
export const logTextFormat: Format = {
  name: "text",
  contentType: "text/plain; charset=utf-8",
  ids: "cursor",
  event: (event) => lines.of(event),
  control: (type, data) =>
    type === "gap" || type === "dropped" ? remark(`${type} ${JSON.stringify(data)}`) : undefined,
  heartbeat: Buffer.from("\n"),
  closing: ({ reason }) => (reason === "finished" ? Buffer.alloc(0) : remark(`closed: ${reason}`)),
};
