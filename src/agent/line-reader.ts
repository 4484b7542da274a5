/** A longer line is cut into pieces, so that a program that never ends its line cannot fill the memory. */
export const LINE_MAX_BYTES = 64 * 1024;

const LF = 0x0a;
const CR = 0x0d;

/** A line of a program's output, or a piece of one. */
export interface Line {
  readonly text: string;
  /** The line goes on in the next one (as in the log format of Kubernetes, where it is `P` against `F`). */
  readonly partial: boolean;
}

/**
 * Bytes as they arrive → lines without their LF or CRLF. It splits bytes, not text: a character that two chunks share
 * stays whole, and bytes that are not UTF-8 become U+FFFD without harm to the line's other bytes.
 */
export class LineReader {
  #rest: Buffer[] = [];
  #restBytes = 0;

  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, end), lines);
      lines.push(this.#take());
      start = end + 1;
    }
    this.#keep(chunk.subarray(start), lines);
    return lines;
  }

  /** What came after the last line end. */
  end(): Line[] {
    return this.#restBytes === 0 ? [] : [this.#take()];
  }

  #keep(bytes: Buffer, lines: Line[]): void {
    if (bytes.length === 0) return;
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
    if (this.#restBytes <= LINE_MAX_BYTES) return;
    let whole = Buffer.concat(this.#rest);
    while (whole.length > LINE_MAX_BYTES) {
      const cut = characterStart(whole, LINE_MAX_BYTES);
      lines.push({ text: whole.toString("utf8", 0, cut), partial: true });
      whole = whole.subarray(cut);
    }
    this.#rest = [whole];
    this.#restBytes = whole.length;
  }

  #take(): Line {
    const bytes = this.#rest.length === 1 ? this.#rest[0]! : Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restBytes = 0;
    const end = bytes.at(-1) === CR ? bytes.length - 1 : bytes.length;
    return { text: bytes.toString("utf8", 0, end), partial: false };
  }
}

/** Where a character starts at or shortly before `at`; `at` itself where the bytes are no UTF-8. */
function characterStart(bytes: Buffer, at: number): number {
  for (let start = at; start > at - 4; start--) if ((bytes[start]! & 0xc0) !== 0x80) return start;
  return at;
}
