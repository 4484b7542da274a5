import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { type Line, LineReader } from "./line-reader.ts";

/** For what the program's own children say after its end: they may hold its output open for as long as they live. */
const LINGER_MS = 2_000;

export interface ProgramOutputOptions {
  /** Called before the bytes are shown: what has been seen is kept. */
  readonly onLines: (lines: readonly Line[]) => void;
  /** Where the bytes go as they are; undefined = nowhere. Not ended, and what is slow there slows the program. */
  readonly echo: Writable | undefined;
}

/** Reads one of a program's outputs to its end: lines for us, the bytes as they are for who watches. */
export class ProgramOutput implements AsyncDisposable {
  readonly #stream: Readable;
  readonly #onLines: (lines: readonly Line[]) => void;
  readonly #closing = new AbortController();
  readonly #finished: Promise<void>;
  readonly #echo: Writable | undefined;
  /** True while who watches does not take what was written. */
  #blocked = false;

  constructor(stream: Readable, { onLines, echo }: ProgramOutputOptions) {
    this.#stream = stream;
    this.#onLines = onLines;
    this.#echo = echo;
    this.#finished = this.#read();
  }

  /**
   * Resolves at the output's end, at once when the signal says to hurry. To be called when the program has gone: what
   * it has written is still read.
   */
  async end(hurry: AbortSignal): Promise<void> {
    const cut = (): void => this.#cut();
    const linger = setTimeout(() => {
      if (this.#blocked) linger.refresh();
      else this.#cut();
    }, LINGER_MS);
    hurry.addEventListener("abort", cut, { once: true });
    if (hurry.aborted) cut();
    try {
      await this.#finished;
    } finally {
      clearTimeout(linger);
      hurry.removeEventListener("abort", cut);
    }
  }

  #cut(): void {
    this.#closing.abort();
    this.#stream.destroy();
  }

  async #read(): Promise<void> {
    const reader = new LineReader();
    const chunks = this.#stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    for (let chunk = await nextOf(chunks); chunk; chunk = await nextOf(chunks)) {
      this.#onLines(reader.push(chunk));
      await this.#show(chunk);
      // Node reads 32 chunks at a time while each is taken at once: nothing else would get its turn, delivery least.
      await setImmediate();
    }
    this.#onLines(reader.end());
  }

  async #show(chunk: Buffer): Promise<void> {
    // Not writable: whoever watched has gone (EPIPE), as with `| head`. The program and its log go on.
    if (!this.#echo?.writable || this.#echo.write(chunk)) return;
    this.#blocked = true;
    // It rejects when they go meanwhile, or we do.
    const { signal } = this.#closing;
    await once(this.#echo, "drain", { signal }).catch(() => undefined);
    this.#blocked = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cut();
    await this.#finished;
  }
}

/** Undefined at the end, and when the stream is destroyed. */
function nextOf(chunks: AsyncIterator<Buffer>): Promise<Buffer | undefined> {
  return chunks.next().then(
    ({ done, value }) => (done ? undefined : value),
    () => undefined,
  );
}
