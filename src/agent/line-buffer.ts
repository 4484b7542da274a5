import { type LogEntry, MISSING_REASONS, type MissingReason, missingEntry } from "./log-entry.ts";

/** Of one batch: small enough to be repeated without regret, large enough for a program that talks a lot. */
export const BATCH_MAX_LINES = 500;
export const BATCH_MAX_BYTES = 256 * 1024;

/** Entries dropped from the front before the array is moved up; moving on each would cost its length each time. */
const SLACK = 1_024;

/**
 * Lines that wait to be sent, bounded: when it is full the oldest go, and where they were a line says how many. Oldest
 * first, because the latest words of a program are what tells why the server or the program is in trouble.
 */
export class LineBuffer {
  readonly #maxBytes: number;
  /** Those that have left, before `#start`, are undefined: they must not hold memory until the array moves up. */
  #entries: (LogEntry | undefined)[] = [];
  /** The first entry that is still here. */
  #start = 0;
  #bytes = 0;
  /** Lines that are missing before the first entry, and of which no entry tells yet. */
  readonly #missing: Record<MissingReason, number> = { overflow: 0, refused: 0 };
  #lost = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The entries that wait. */
  get length(): number {
    return this.#entries.length - this.#start;
  }

  get hasFullBatch(): boolean {
    return this.length >= BATCH_MAX_LINES || this.#bytes >= BATCH_MAX_BYTES;
  }

  /** Lines that have been dropped so far. */
  get lost(): number {
    return this.#lost;
  }

  entries(): LogEntry[] {
    return this.#entries.slice(this.#start) as LogEntry[];
  }

  add(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    this.#trim();
  }

  /** Gives an entry up that stood before everything that waits; the next batch says so. */
  drop({ missing }: LogEntry, reason: MissingReason): void {
    if (missing) {
      this.#missing[missing.reason] += missing.count;
    } else {
      this.#missing[reason]++;
      this.#lost++;
    }
  }

  /** Gives one line up that has been taken. @returns what to put back in its place */
  replace(reason: MissingReason): LogEntry {
    this.#lost++;
    return missingEntry({ reason, count: 1 }, new Date().toISOString());
  }

  /** The oldest lines, at most one batch of them, after the word on what is missing before them; [] of an empty buffer. */
  take(): LogEntry[] {
    // Without a line to follow there is no word either: one that is refused itself would be sent again for ever.
    if (this.length === 0) return [];
    const batch: LogEntry[] = [];
    const time = new Date().toISOString();
    for (const reason of MISSING_REASONS) {
      const count = this.#missing[reason];
      if (count > 0) batch.push(missingEntry({ reason, count }, time));
      this.#missing[reason] = 0;
    }
    let bytes = 0;
    while (this.length > 0 && batch.length < BATCH_MAX_LINES) {
      const entry = this.#entries[this.#start]!;
      if (bytes > 0 && bytes + entry.bytes > BATCH_MAX_BYTES) break;
      bytes += entry.bytes;
      batch.push(this.#shift());
    }
    return batch;
  }

  /** What was taken and has not been sent after all. */
  putBack(entries: readonly LogEntry[]): void {
    this.#entries = [...entries, ...this.entries()];
    this.#start = 0;
    this.#bytes += entries.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#trim();
  }

  #trim(): void {
    while (this.#bytes > this.#maxBytes && this.length > 0) this.drop(this.#shift(), "overflow");
  }

  #shift(): LogEntry {
    const entry = this.#entries[this.#start]!;
    this.#entries[this.#start++] = undefined;
    this.#bytes -= entry.bytes;
    if (this.#start > SLACK && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
    return entry;
  }
}
