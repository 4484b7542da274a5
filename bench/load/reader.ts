import { connect, type Socket } from "node:net";
import type { Surface } from "../subjects/subject.ts";

const LF = 10;
const LIVE = /event: live\n(?:[^\n]+\n)*\n/;
const BUFFER_BYTES = 64 * 1024;
/** One for all readers: what is in it is counted before the next one reads. */
const shared = Buffer.alloc(BUFFER_BYTES);

/**
 * One client of an SSE stream, as cheap as can be: it counts the blank lines that end events and parses nothing. (A
 * heartbeat is a comment without a blank line, and so does not count; chunk heads are no blank lines because they have
 * a CR.)
 */
export class Reader {
  readonly #socket: Socket;
  #count = 0;
  /** What has come before it is live; undefined from then on. */
  #greeting: string | undefined = "";
  /** Of the piece before: a blank line may be cut in two. */
  #lastByte = 0;
  /** Told of the text of each piece; only samplers have it, because it costs. */
  onText: ((text: string) => void) | undefined;

  /** Resolves with a reader who has been told that it is live. */
  static open(port: number, surface: Surface, onEvents: (count: number) => void): Promise<Reader> {
    return new Promise((resolve, reject) => {
      const reader = new Reader(port, surface, {
        live: () => resolve(reader),
        events: onEvents,
        lost: (why) => reject(new Error(`A reader has lost its stream: ${why}.`)),
      });
    });
  }

  private constructor(
    port: number,
    surface: Surface,
    on: { live(): void; events(count: number): void; lost(why: string): void },
  ) {
    const callback = (length: number): boolean => {
      const live = this.#greeting === undefined;
      const count = live ? this.#countEvents(length) : this.#greet(length);
      if (count > 0) {
        this.#count += count;
        on.events(count);
      }
      if (!live && this.#greeting === undefined) on.live();
      return true;
    };
    this.#socket = connect({ port, host: "127.0.0.1", onread: { buffer: shared, callback } });
    // Before it is live a rejection; afterwards the events that do not come tell of it.
    this.#socket.on("error", (error) => on.lost(error.message));
    this.#socket.on("close", () => on.lost("closed"));
    this.#socket.write(
      `GET ${surface.readPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
    );
  }

  /** Events received since it is live. */
  get count(): number {
    return this.#count;
  }

  /** @returns the events that have come right behind the greeting */
  #greet(length: number): number {
    const greeting = this.#greeting! + shared.toString("latin1", 0, length);
    const live = LIVE.exec(greeting);
    this.#greeting = live ? undefined : greeting;
    if (!live) return 0;
    return greeting.slice(live.index + live[0].length).split("\n\n").length - 1;
  }

  #countEvents(length: number): number {
    let count = 0;
    let last = this.#lastByte;
    for (let i = 0; i < length; i++) {
      const byte = shared[i]!;
      if (byte === LF && last === LF) count++;
      last = byte;
    }
    this.#lastByte = last;
    this.onText?.(shared.toString("latin1", 0, length));
    return count;
  }

  /**
   * By a reset: thousands of sockets in TIME_WAIT would eat up the ports of the next round. Not once the subject has
   * ended the stream: libuv refuses to reset a socket that is shutting down, its handle then never closes, and Node
   * spins for ever when the process should end.
   */
  close(): void {
    if (this.#socket.writable) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }
}
