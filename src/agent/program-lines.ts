import type { LogLevel, LogLine } from "../wire/publish.ts";
import { tryJsonLine } from "./json-line.ts";
import { tryTextLevel } from "./level.ts";
import type { Line } from "./line-reader.ts";
import { type LogEntry, logEntries, type OutputSource } from "./log-entry.ts";
import { type Continues, LineGrouper } from "./multiline.ts";

/**
 * What the levels of plain text are where it does not say: programs that care about levels write their errors to
 * stderr, and most log collectors (Google Cloud's on GKE among them) take it like that.
 */
const LEVELS: Readonly<Record<OutputSource, LogLevel>> = { stdout: "info", stderr: "error" };

export interface ProgramLinesOptions {
  readonly source: OutputSource;
  /** Whether levels, and loggers' JSON, are looked for. */
  readonly parse: boolean;
  /** Undefined = each line is an entry. */
  readonly continues: Continues | undefined;
  readonly onEntries: (entries: readonly LogEntry[]) => void;
  /** Told of a fault of ours, which has cost lines: the agent is not to end by what a program prints. */
  readonly onFault: (error: unknown) => void;
}

/** The lines of one of a program's outputs → entries of its log. */
export class ProgramLines implements Disposable {
  readonly #options: ProgramLinesOptions;
  readonly #grouper: LineGrouper | undefined;
  /** Of the line whose pieces come, which only its first piece tells. */
  #piecesLevel: LogLevel | undefined;
  #inPieces = false;

  constructor(options: ProgramLinesOptions) {
    this.#options = options;
    const { continues } = options;
    if (continues)
      this.#grouper = new LineGrouper(continues, (lines) => this.#guard(() => this.#ship(lines)));
  }

  push(lines: readonly Line[]): void {
    if (lines.length === 0) return;
    const grouper = this.#grouper;
    this.#guard(() => (grouper ? grouper.push(lines) : this.#ship(lines)));
  }

  /** The output is at its end. */
  end(): void {
    this.#grouper?.flush();
  }

  [Symbol.dispose](): void {
    this.#grouper?.[Symbol.dispose]();
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  #ship(lines: readonly Line[]): void {
    const now = new Date().toISOString();
    this.#options.onEntries(lines.flatMap((line) => logEntries(this.#logLine(line, now))));
  }

  #logLine({ text, partial }: Line, now: string): LogLine & { time: string } {
    const { source, parse } = this.#options;
    const whole = !partial && !this.#inPieces;
    const json = parse && whole ? tryJsonLine(text) : undefined;
    if (json) {
      const { message, fields } = json;
      const [time, level] = [json.time ?? now, json.level ?? LEVELS[source]];
      return { time, level, source, message, ...(fields ? { fields } : {}) };
    }
    const level = this.#level(text);
    if (partial && !this.#inPieces) this.#piecesLevel = level;
    this.#inPieces = partial;
    const fields = partial ? { fields: { partial: true } } : {};
    return { time: now, level, source, message: text, ...fields };
  }

  #level(text: string): LogLevel {
    const { source, parse } = this.#options;
    if (this.#inPieces) return this.#piecesLevel ?? LEVELS[source];
    return (parse ? tryTextLevel(text) : undefined) ?? LEVELS[source];
  }
}
