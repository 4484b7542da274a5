import type { LogLine } from "../wire/publish.ts";

/**
 * Of a log line as JSON. Control characters need six bytes each, so 64 KiB of rubbish would be 384 KiB of JSON, which
 * the server refuses as an event; such a line is cut once more.
 */
export const ENTRY_MAX_BYTES = 128 * 1024;

export type OutputSource = "stdout" | "stderr";

/** One line of a batch, ready to be sent. */
export interface LogEntry {
  readonly json: string;
  /** With the line end. */
  readonly bytes: number;
  /** Of the line, RFC 3339. */
  readonly time: string;
}

/** The entry of a line, or several where its JSON would be too large; all but the last then say `partial`. */
export function logEntries(line: LogLine & { readonly time: string }): LogEntry[] {
  const entry = encodeEntry(line);
  if (entry.bytes <= ENTRY_MAX_BYTES || line.message.length < 2) return [entry];
  // What a logger had to say beside its message goes with the last piece.
  const middle = line.message.length >> 1;
  const cut = isLowSurrogate(line.message.charCodeAt(middle)) ? middle + 1 : middle;
  return [
    ...logEntries({ ...line, message: line.message.slice(0, cut), fields: { partial: true } }),
    ...logEntries({ ...line, message: line.message.slice(cut) }),
  ];
}

export function encodeEntry(line: LogLine & { readonly time: string }): LogEntry {
  const json = JSON.stringify(line);
  return { json, bytes: Buffer.byteLength(json) + 1, time: line.time };
}

function isLowSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}
