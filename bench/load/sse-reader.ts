import type { Socket } from "node:net";
import { openClientSocket, resetSocket, shared } from "./client-socket.ts";
import { EventNumber } from "./event-number.ts";
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

/** Reads the number of each event, and the blank line that ends it; chunk heads are no blank lines because they have a CR. */
class SseReader implements Reader {
  readonly #request: ReaderRequest;
  readonly #socket: Socket;
  readonly #onLive: () => void;
  /** The end of what has come before it is live; undefined from then on. */
  #tail: string | undefined = "";
  readonly #number = new EventNumber();
  /** Of the piece before: a blank line may be cut in two. */
  #lastByte = 0;
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
    this.#readEvents(length);
    if (this.#tail === undefined) this.onText?.(shared.toString("latin1", 0, length));
    else this.#greet(this.#tail, length);
  }

  #greet(before: string, length: number): void {
    const piece = shared.toString("latin1", Math.max(0, length - TAIL_LENGTH), length);
    const tail = (before + piece).slice(-TAIL_LENGTH);
    const at = tail.indexOf(this.#request.surface.greeting);
    if (at < 0 || !tail.includes("\n\n", at)) {
      this.#tail = tail;
      return;
    }
    this.#tail = undefined;
    this.cursor = LIVE_ID.exec(tail)?.[1] ?? "";
    this.#onLive();
  }

  #readEvents(length: number): void {
    const number = this.#number;
    for (let i = 0; i < length;) {
      if (number.value === undefined) {
        i = number.read(shared, i, length);
        this.#lastByte = 0;
      } else i = this.#readEnd(number.value, i, length);
    }
  }

  /** @returns where the next event begins, or `length` where this one has not ended yet */
  #readEnd(number: number, from: number, length: number): number {
    let last = this.#lastByte;
    for (let i = from; i < length; i++) {
      const byte = shared[i]!;
      if (byte === LF && last === LF) {
        this.#number.reset();
        this.#request.onEvent(number);
        return i + 1;
      }
      last = byte;
    }
    this.#lastByte = last;
    return length;
  }

  close(): void {
    resetSocket(this.#socket);
  }
}
