import { ServiceError } from "../errors.ts";

const LF = 0x0a;
const CR = 0x0d;

/** Bytes → the bytes of each line (LF or CRLF), however they were cut on the way. */
export class LineSplitter {
  readonly #maxBytes: number;
  #rest: Buffer[] = [];
  #restBytes = 0;
  #lines = 0;
  /** The line that is too long; thrown once those before it have been handed out. */
  #tooLong: ServiceError | undefined;

  /** @param maxBytes of one line; of a longer one `check` throws `too-large`, and it is never held whole */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Uint8Array): Buffer[] {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lines: Buffer[] = [];
    let from = 0;
    for (let to = piece.indexOf(LF); to >= 0; to = piece.indexOf(LF, from)) {
      const line = this.#line(piece.subarray(from, to));
      if (this.#tooLong) return lines;
      lines.push(line);
      from = to + 1;
    }
    this.#keep(piece.subarray(from));
    return lines;
  }

  /** @throws ServiceError `too-large` where a line is too long; to be called after each push */
  check(): void {
    if (this.#tooLong) throw this.#tooLong;
  }

  /** The last line, where it has no line end. */
  end(): Buffer | undefined {
    return this.#restBytes > 0 ? this.#line(Buffer.alloc(0)) : undefined;
  }

  #line(end: Buffer): Buffer {
    this.#keep(end);
    const line = this.#rest.length === 1 ? this.#rest[0]! : Buffer.concat(this.#rest);
    this.#rest = [];
    this.#restBytes = 0;
    this.#lines++;
    return line.at(-1) === CR ? line.subarray(0, -1) : line;
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
    if (this.#restBytes <= this.#maxBytes) return;
    this.#tooLong ??= new ServiceError(
      "too-large",
      `Line ${this.#lines + 1} is longer than ${this.#maxBytes} bytes.`,
      {
        extra: { line: this.#lines + 1 },
      },
    );
  }
}

/** The lines of each piece of a body as it arrives; a rest without a line end comes last. */
export async function* splitLines(
  body: AsyncIterable<Uint8Array>,
  splitter: LineSplitter,
): AsyncGenerator<Buffer[]> {
  for await (const piece of body) {
    const lines = splitter.push(piece);
    if (lines.length > 0) yield lines;
    splitter.check();
  }
  const rest = splitter.end();
  if (rest) yield [rest];
}
