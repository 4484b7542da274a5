import type { LogLevel, LogLine } from "../wire/publish.ts";
import type { Line } from "./line-reader.ts";

/**
 * Of a log line as JSON. Control characters need six bytes each, so 64 KiB of rubbish would be 384 KiB of JSON, which
 * the server refuses as an event; such a line is cut once more.
 */
export const ENTRY_MAX_BYTES = 128 * 1024;

export type OutputSource = "stdout" | "stderr";

/**
 * What the levels of plain text are: programs that care about levels write their errors to stderr, and most log
 * collectors (Google Cloud's on GKE among them) take it like that.
 */
const LEVELS: Readonly<Record<OutputSource, LogLevel>> = { stdout: "info", stderr: "error" };

/** One line of a batch, ready to be sent. */
export interface LogEntry {
  readonly json: string;
  /** With the line end. */
  readonly bytes: number;
  /** Set where the entry stands for lines that are missing. */
  readonly missing?: MissingLines;
}

/** Lines that were read and will never arrive. */
export interface MissingLines {
  readonly reason: MissingReason;
  readonly count: number;
}

const REASONS = {
  overflow: "the agent's buffer was full while the server was away",
  refused: "the server refused them",
} as const;
export type MissingReason = keyof typeof REASONS;
export const MISSING_REASONS = Object.keys(REASONS) as MissingReason[];

/** The entry of a line, or several where its JSON would be too large; all but the last then say `partial`. */
export function logEntries(line: Line, source: OutputSource, time: string): LogEntry[] {
  const entry = encode({
    time,
    level: LEVELS[source],
    source,
    message: line.text,
    ...(line.partial ? { fields: { partial: true } } : {}),
  });
  if (entry.bytes <= ENTRY_MAX_BYTES) return [entry];
  const middle = line.text.length >> 1;
  const cut = isLowSurrogate(line.text.charCodeAt(middle)) ? middle + 1 : middle;
  return [
    ...logEntries({ text: line.text.slice(0, cut), partial: true }, source, time),
    ...logEntries({ text: line.text.slice(cut), partial: line.partial }, source, time),
  ];
}

/** The entry that stands where lines are missing, so that a reader of the log knows. */
export function missingEntry(missing: MissingLines, time: string): LogEntry {
  const { reason, count } = missing;
  const lines = count === 1 ? "1 line is" : `${count} lines are`;
  const message = `${lines} missing here: ${REASONS[reason]}`;
  const fields = { missing: count, reason };
  return { ...encode({ time, level: "warn", source: "agent", message, fields }), missing };
}

function encode(line: LogLine): LogEntry {
  const json = JSON.stringify(line);
  return { json, bytes: Buffer.byteLength(json) + 1 };
}

function isLowSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}
