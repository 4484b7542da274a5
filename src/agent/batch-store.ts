import type { MissingLines } from "./missing-lines.ts";

/** What stands at the start of a batch, and is never changed in one that may have been sent. */
export interface BatchHeader {
  /** The Wukong whose lines these are. */
  readonly name: string;
  /** The idempotency key: never used again for other bytes, because the server does not compare them. */
  readonly key: string;
  /** Set where the batch is one word of ours that stands for lines that are missing. */
  readonly missing?: MissingLines;
  /** The number of the first batch that this one stands for; those from there to here are gone. */
  readonly covers?: number;
}

/** A batch as it was read back. */
export interface StoredBatch {
  readonly header: BatchHeader;
  /** NDJSON: whole lines. */
  readonly body: Buffer<ArrayBuffer>;
  readonly lines: number;
  /** Bytes behind those, which are no whole record. */
  readonly tornBytes: number;
}

/**
 * Where batches are kept, each under its number.
 *
 * A method MUST either do its work or throw and leave what the batch held; `replace` MUST NOT be seen half done. What
 * returns a number returns the bytes that the store has grown by, or of `replace`, that the batch has now.
 */
export interface BatchStore {
  create(number: number, header: BatchHeader): number;
  /** Whole lines, to the batch that was created last. */
  append(number: number, lines: Buffer): number;
  /** Nothing more will be appended. MUST NOT throw. */
  seal(number: number): void;
  read(number: number): StoredBatch;
  replace(number: number, header: BatchHeader, body: Buffer): number;
  remove(number: number): void;
}

const LF = 0x0a;

export function countLines(body: Buffer): number {
  let lines = 0;
  for (let at = body.indexOf(LF); at !== -1; at = body.indexOf(LF, at + 1)) lines++;
  return lines;
}
