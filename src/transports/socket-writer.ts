import type { Duplex } from "node:stream";

const NOTHING = Buffer.alloc(0);

/**
 * Writes whole frames to a socket and knows whether they have left the process.
 *
 * Hot path: every delivery of every reader ends here. A write without a callback costs Node no tick; `writableLength`
 * tells at once whether the kernel took all of it. Only when it did not, an empty write with a callback is queued behind
 * it, which fires when everything before it is out. (`drain` would not do: it is silent below the high-water mark.)
 */
export class SocketWriter {
  readonly #socket: Duplex;
  #blockedSince: number | undefined;
  bytes = 0;
  onDrain: () => void = () => {};

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  get blockedSince(): number | undefined {
    return this.#blockedSince;
  }

  get writable(): boolean {
    return this.#blockedSince === undefined && this.#socket.writable;
  }

  write(bytes: Buffer): void {
    if (!this.#socket.writable) return;
    this.bytes += bytes.length;
    this.#socket.write(bytes);
    if (this.#blockedSince === undefined && this.#socket.writableLength > 0) this.#awaitDrain();
  }

  #awaitDrain(): void {
    this.#blockedSince = performance.now();
    this.#socket.write(NOTHING, (error) => {
      this.#blockedSince = undefined;
      if (!error) this.onDrain();
    });
  }
}
