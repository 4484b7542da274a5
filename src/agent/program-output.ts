import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { type Line, LineReader } from "./line-reader.ts";

/** For what the program's own children say after its end: they may hold its output open for as long as they live. */
const LINGER_MS = 2_000;

export interface ProgramOutputOptions {
  readonly onLine: (line: Line) => void;
  /** Where the bytes go as they are; undefined = nowhere. Not ended, and what is slow there slows the program. */
  readonly echo: Writable | undefined;
}

/** Reads one of a program's outputs to its end: lines for us, the bytes as they are for who watches. */
export class ProgramOutput implements AsyncDisposable {
  readonly #stream: Readable;
  readonly #onLine: (line: Line) => void;
  readonly #closing = new AbortController();
  #echo: Writable | undefined;
  #linger: NodeJS.Timeout | undefined;
  readonly #finished: Promise<void>;

  constructor(stream: Readable, { onLine, echo }: ProgramOutputOptions) {
    this.#stream = stream;
    this.#onLine = onLine;
    this.#echo = echo;
    this.#finished = this.#read();
  }

  /** Resolves at the output's end. Call it when the program has gone: what it has written is still read. */
  async end(): Promise<void> {
    this.#linger = setTimeout(() => this.#stream.destroy(), LINGER_MS);
    await this.#finished;
    clearTimeout(this.#linger);
  }

  async #read(): Promise<void> {
    const reader = new LineReader();
    try {
      for await (const chunk of this.#stream as AsyncIterable<Buffer>) {
        for (const line of reader.push(chunk)) this.#onLine(line);
        await this.#show(chunk);
      }
    } catch {
      // Destroyed, because the program has gone or we go: there is no more to come.
    }
    for (const line of reader.end()) this.#onLine(line);
  }

  async #show(chunk: Buffer): Promise<void> {
    const echo = this.#echo;
    if (!echo || echo.write(chunk)) return;
    try {
      await once(echo, "drain", { signal: this.#closing.signal });
    } catch {
      // Whoever watched has gone (EPIPE), as with `| head`. The program and its log go on.
      this.#echo = undefined;
    }
    this.#linger?.refresh();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#stream.destroy();
    await this.#finished;
    clearTimeout(this.#linger);
  }
}
