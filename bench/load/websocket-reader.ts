import type { Socket } from "node:net";
import { openClientSocket, resetSocket, shared } from "./client-socket.ts";
import { EventNumber } from "./event-number.ts";
import type { Reader, ReaderRequest } from "./reader.ts";

const [TEXT, CLOSE, PING] = [1, 8, 9];
const PONG_BYTE = 0x8a;
const TEXT_BYTE = 0x81;
const HEAD_END = Buffer.from("\r\n\r\n");
/** Any 16 bytes will do: nobody here is a browser. */
const KEY = "bm92YXN0cmVhbS1iZW5jaA==";

/** @see openReader */
export function openWebSocketReader(request: ReaderRequest): Promise<Reader> {
  return new Promise((resolve, reject) => {
    const reader = new WebSocketReader(request, () => resolve(reader), reject);
  });
}

/**
 * Reads the number of each event in the text messages of a server (RFC 6455 §5.2), and answers pings; speaks socket.io's
 * handshake where asked.
 */
class WebSocketReader implements Reader {
  readonly #request: ReaderRequest;
  readonly #socket: Socket;
  readonly #onLive: () => void;
  readonly #onLost: (error: Error) => void;
  #phase: "handshake" | "greeting" | "live" = "handshake";
  #handshake = "";
  /** Of the frame that is being read: its head as far as it has come, and what is missing of its payload. */
  readonly #head: number[] = [];
  #missing = 0;
  #payload = "";
  readonly #number = new EventNumber();
  readonly cursor = "";
  onText: ((text: string) => void) | undefined;

  constructor(request: ReaderRequest, onLive: () => void, onLost: (error: Error) => void) {
    this.#request = request;
    this.#onLive = onLive;
    this.#onLost = onLost;
    this.#socket = openClientSocket(request.port, (length) => this.#onPiece(length), onLost);
    this.#socket.write(
      `GET ${request.surface.readPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
    );
  }

  #onPiece(length: number): void {
    this.#readFrames(this.#phase === "handshake" ? this.#upgrade(length) : 0, length);
  }

  /** @returns where the first frame begins in this piece */
  #upgrade(length: number): number {
    const cut = this.#handshake.length;
    this.#handshake += shared.toString("latin1", 0, length);
    const end = this.#handshake.indexOf(HEAD_END.toString());
    if (end < 0) return length;
    const [status] = this.#handshake.split("\r\n", 1);
    if (status!.includes(" 101 ")) this.#phase = "greeting";
    else this.#onLost(new Error(`An upgrade was answered ${status}.`));
    return end + HEAD_END.length - cut;
  }

  #readFrames(from: number, length: number): void {
    for (let i = from; i < length;) {
      if (this.#missing === 0) {
        this.#readHead(shared[i++]!);
        continue;
      }
      const end = Math.min(length, i + this.#missing);
      if (this.#phase !== "live" || this.onText) this.#payload += shared.toString("latin1", i, end);
      if (this.#number.value === undefined) this.#number.read(shared, i, end);
      this.#missing -= end - i;
      i = end;
      if (this.#missing === 0) this.#onFrame();
    }
  }

  #readHead(byte: number): void {
    const head = this.#head;
    head.push(byte);
    if (head.length < 2) return;
    const short = head[1]! & 0x7f;
    const size = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (head.length < size) return;
    this.#missing = size === 2 ? short : head.slice(2).reduce((sum, next) => sum * 256 + next, 0);
    if (this.#missing === 0) this.#onFrame();
  }

  #onFrame(): void {
    const opcode = this.#head[0]! & 0x0f;
    const payload = this.#payload;
    const number = this.#number.value;
    this.#head.length = 0;
    this.#payload = "";
    this.#number.reset();
    if (opcode === TEXT) this.#onMessage(payload, number);
    else if (opcode === PING) this.#send(PONG_BYTE, payload);
    else if (opcode === CLOSE) this.#onLost(new Error("A reader has been sent away."));
  }

  #onMessage(text: string, number: number | undefined): void {
    if (number !== undefined) this.#request.onEvent(number);
    if (this.#phase === "live") return this.onText?.(text);
    const { surface } = this.#request;
    // The server has opened the session; the client joins the namespace.
    if (surface.protocol === "socket.io" && text.startsWith("0{")) this.#send(TEXT_BYTE, "40");
    if (!text.includes(surface.greeting)) return;
    this.#phase = "live";
    this.#onLive();
  }

  /** A frame of a client is masked; a mask of zeros leaves it as it is. */
  #send(first: number, text: string): void {
    this.#socket.write(Buffer.from([first, 0x80 | text.length, 0, 0, 0, 0, ...Buffer.from(text)]));
  }

  close(): void {
    resetSocket(this.#socket);
  }
}
