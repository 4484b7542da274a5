import type { Socket } from "node:net";
import { openClientSocket, resetSocket, shared } from "./client-socket.ts";
import type { Reader, ReaderRequest } from "./reader.ts";

const LF = 10;
/** Of what has come last before a reader is live: more than any greeting has, with its id. */
const TAIL_LENGTH = 512;
const LIVE_ID = /id: (\S+)\nevent: live\n/;

/** @see openReader */
export function openSseReader(request: ReaderRequest): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const reader = new SseReader(request, () => resolve(reader), reject);
  });
}

/**
 * Counts the blank lines that end events. (A heartbeat is a comment without a blank line, and so does not count; chunk
 * heads are no blank lines because they have a CR.)
 */
class SseReader implements Reader {
  readonly #request: ReaderRequest;
  readonly #socket: Socket;
  readonly #onLive: () => void;
  /** The end of what has come before it is live; undefined from then on. */
  #tail: string | undefined = "";
  /** Of the piece before: a blank line may be cut in two. */
  #lastByte = 0;
  backlog = 0;
  count = 0;
  cursor = "";
  onText: ((text: string) => void) | undefined;

  constructor(request: ReaderRequest, onLive: () => void, onLost: (error: Error) => void) {
    this.#request = request;
    this.#onLive = onLive;
    const { port, surface, lastEventId } = request;
    this.#socket = openClientSocket(port, (length) => this.#onPiece(length), onLost);
    const resume = lastEventId === undefined ? "" : `Last-Event-ID: ${lastEventId}\r\n`;
    this.#socket.write(
      `GET ${surface.readPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n${resume}\r\n`,
    );
  }

  #onPiece(length: number): void {
    const frames = this.#countFrames(length);
    if (this.#tail !== undefined) return this.#greet(length, frames);
    this.onText?.(shared.toString("latin1", 0, length));
    if (frames === 0) return;
    this.count += frames;
    this.#request.onEvents(frames);
  }

  #greet(length: number, frames: number): void {
    const { marker, frames: greeting } = this.#request.surface.greeting;
    this.backlog += frames;
    const piece = shared.toString("latin1", Math.max(0, length - TAIL_LENGTH), length);
    const tail = (this.#tail! + piece).slice(-TAIL_LENGTH);
    const at = tail.indexOf(marker);
    const end = at < 0 ? -1 : tail.indexOf("\n\n", at);
    this.#tail = tail;
    if (end < 0) return;
    this.#tail = undefined;
    this.cursor = LIVE_ID.exec(tail)?.[1] ?? "";
    // Events that have come right behind the greeting.
    this.count = tail.slice(end + 2).split("\n\n").length - 1;
    this.backlog -= greeting + this.count;
    this.#onLive();
    if (this.count > 0) this.#request.onEvents(this.count);
  }

  #countFrames(length: number): number {
    let count = 0;
    let last = this.#lastByte;
    for (let i = 0; i < length; i++) {
      const byte = shared[i]!;
      if (byte === LF && last === LF) count++;
      last = byte;
    }
    this.#lastByte = last;
    return count;
  }

  close(): void {
    resetSocket(this.#socket);
  }
}
