import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { SocketWriter } from "./socket-writer.ts";
import {
  type Closing,
  type Encoding,
  encodingOf,
  type Pack,
  type Transport,
  type TransportListener,
} from "./transport.ts";
import { textMessage, websocketFormat } from "./websocket-format.ts";

const LINGER_MS = 5_000;

const concatenated: Pack = (frames) => (frames.length === 1 ? frames[0]! : Buffer.concat(frames));

/**
 * A WebSocket whose messages are framed by us and written to its socket, so that readers share the bytes. `ws` handles
 * the handshake, what comes in, pings and the closing handshake; it writes whole frames to the same socket at once as
 * long as no extension (compression) is agreed on, so the two do not cut into each other.
 */
export class WebSocketTransport implements Transport {
  readonly kind = "websocket";
  readonly encoding: Encoding = encodingOf(websocketFormat, concatenated);
  readonly #socket: WebSocket;
  readonly #writer: SocketWriter;
  /** The answer to a ping is awaited. */
  #pinged = false;
  readonly #closeCodes: (reason: string) => number;

  /** @param raw the socket beneath, as the upgrade handed it over */
  constructor(socket: WebSocket, raw: Duplex, closeCodes: (reason: string) => number) {
    this.#socket = socket;
    this.#writer = new SocketWriter(raw);
    this.#closeCodes = closeCodes;
    socket.on("pong", () => {
      this.#pinged = false;
    });
  }

  get writable(): boolean {
    return this.#socket.readyState === this.#socket.OPEN && this.#writer.writable;
  }

  get blockedSince(): number | undefined {
    return this.#writer.blockedSince;
  }

  get bytes(): number {
    return this.#writer.bytes;
  }

  listen(listener: TransportListener): void {
    this.#writer.onDrain = () => {
      // What was answered while nothing left is bounded by not hearing more of it.
      this.#socket.resume();
      listener.drained();
    };
    this.#socket.once("close", () => listener.closed());
  }

  write(packed: Buffer): void {
    if (packed.length > 0 && this.#socket.readyState === this.#socket.OPEN)
      this.#writer.write(packed);
  }

  /** An answer to a request of this client. Until it has left, no further request is read. */
  answer(message: object): void {
    this.write(textMessage(JSON.stringify(message)));
    if (!this.#writer.writable) this.#socket.pause();
  }

  ping(): boolean {
    if (this.#pinged) return false;
    this.#pinged = true;
    this.#socket.ping();
    return true;
  }

  close({ reason, reconnect, retryMs }: Closing): void {
    const words = JSON.stringify({ reason, reconnect, retryMs });
    this.#socket.resume();
    this.#socket.close(this.#closeCodes(reason), words);
    const timer = setTimeout(() => this.#socket.terminate(), LINGER_MS).unref();
    this.#socket.once("close", () => clearTimeout(timer));
  }

  destroy(): void {
    this.#socket.terminate();
  }
}
