import { LINE_MAX_BYTES, type Line } from "./line-reader.ts";

/** Of one entry. */
export const GROUP_MAX_LINES = 500;
/** Of what a pattern sees of a line: a pattern that backtracks must not meet 64 KiB. */
export const MATCHED_MAX_CHARS = 1_024;
/** So long a line waits for its continuation… */
export const QUIET_MS = 200;
/** …and no longer than this, though more and more continuations come. */
export const GROUP_MAX_MS = 2_000;

/** Whether a line goes on with what the lines before it have begun. */
export type Continues = (line: string, group: readonly string[]) => boolean;

/** What stack traces say without indenting it: java's causes, the closing bracket of node's properties. */
const CONTINUATION_PATTERN = /^(?:\s+\S|Caused by: |Suppressed: |[)\]}]+[,;]?\s*$)/;
const TRACEBACK_PATTERN = /^(?:\s*\|?\s*)Traceback \(most recent call last\):/;
/** Between two tracebacks of which one led to the other. */
const CHAIN_PATTERN =
  /^(?:During handling of the above exception|The above exception was the direct cause)/;

/** Lines that begin with white space, and what the stack traces of java, node and python add to that. */
export const continuesByIndent: Continues = (line, group) => {
  if (CONTINUATION_PATTERN.test(line)) return true;
  const traceback = group.findLastIndex((text) => TRACEBACK_PATTERN.test(text));
  if (traceback === -1) return false;
  // A traceback ends with the exception itself, which is the first line after it that is not indented.
  const ended = group.slice(traceback + 1).some((text) => /^\S/.test(text));
  if (!ended) return true;
  return (
    line === "" || CHAIN_PATTERN.test(line) || (isChained(group) && TRACEBACK_PATTERN.test(line))
  );
};

export function continuesByPattern(pattern: RegExp): Continues {
  return (line) => pattern.test(line);
}

function isChained(group: readonly string[]): boolean {
  return group.slice(-2).some((text) => CHAIN_PATTERN.test(text));
}

/** Joins lines with the lines that continue them, bounded in lines, bytes and time. */
export class LineGrouper implements Disposable {
  readonly #continues: Continues;
  readonly #onLines: (lines: readonly Line[]) => void;
  #group: string[] = [];
  #groupBytes = 0;
  /** The group's first part was cut off because it was too large: the next is a piece of the same. */
  #inPieces = false;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(continues: Continues, onLines: (lines: readonly Line[]) => void) {
    this.#continues = continues;
    this.#onLines = onLines;
  }

  push(lines: readonly Line[]): void {
    const ready: Line[] = [];
    for (const line of lines) this.#add(line, ready);
    if (ready.length > 0) this.#onLines(ready);
    this.#wait();
  }

  /** No more comes, or none for a while. */
  flush(): void {
    const ready: Line[] = [];
    this.#end(ready);
    this.#wait();
    if (ready.length > 0) this.#onLines(ready);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #add(line: Line, ready: Line[]): void {
    // A line that is too long for itself is not put together with others.
    if (line.partial || this.#inPieces) {
      this.#end(ready);
      ready.push(line);
      this.#inPieces = line.partial;
      return;
    }
    const matched = line.text.slice(0, MATCHED_MAX_CHARS);
    const bytes = Buffer.byteLength(line.text) + 1;
    if (this.#group.length === 0 || !this.#continues(matched, this.#group)) {
      this.#end(ready);
      this.#startedAt = performance.now();
    } else if (
      this.#group.length === GROUP_MAX_LINES ||
      this.#groupBytes + bytes > LINE_MAX_BYTES
    ) {
      this.#end(ready, true);
    }
    this.#group.push(line.text);
    this.#groupBytes += bytes;
  }

  #end(ready: Line[], partial = false): void {
    if (this.#group.length > 0) ready.push({ text: this.#group.join("\n"), partial });
    this.#group = [];
    this.#groupBytes = 0;
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#group.length === 0) return;
    const left = this.#startedAt + GROUP_MAX_MS - performance.now();
    this.#timer = setTimeout(() => this.flush(), Math.max(0, Math.min(QUIET_MS, left)));
  }
}
