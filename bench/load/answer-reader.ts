import type { Socket } from "node:net";
import { type ChatDialect, chatPost, hasText, textOf } from "./chat-dialect.ts";
import { openClientSocket, resetSocket, shared } from "./client-socket.ts";

/** What ends a body of chunks; no chunk of an answer ends so. */
const END = "\r\n0\r\n\r\n";

export interface AnswerRequest {
  readonly port: number;
  readonly path: string;
  readonly dialect: ChatDialect;
  readonly prompt: string;
  /** Whether the times between its pieces are kept. */
  readonly sampled: boolean;
  /** Told of each piece. */
  readonly onPiece: () => void;
  /** Told once that there will be no more. */
  readonly onEnd: () => void;
}

/** One chat over a connection of its own. While it runs, what comes is kept and not parsed, because that costs. */
export class AnswerReader {
  readonly #request: AnswerRequest;
  readonly #socket: Socket;
  #received = "";
  #textAt: number | undefined;
  #over = false;
  /** When its first text came, and when it was whole. */
  firstTextAt = Number.NaN;
  wholeAt = Number.NaN;
  /** Between two pieces with text. */
  readonly gapsMs: number[] = [];

  constructor(request: AnswerRequest) {
    this.#request = request;
    const { port, path, dialect, prompt } = request;
    this.#socket = openClientSocket(
      port,
      (length) => this.#onPiece(shared.toString("latin1", 0, length)),
      () => this.#end(),
    );
    const { headers, body } = chatPost(dialect, prompt);
    const lines = Object.entries({ host: "127.0.0.1", ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    this.#socket.write(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`);
  }

  /** What was said, in order; undefined where it was cut short. */
  get text(): string | undefined {
    return Number.isNaN(this.wholeAt) ? undefined : textOf(this.#received);
  }

  /** What was answered in place of an answer. */
  get refusal(): string | undefined {
    const [status] = this.#received.split("\r\n", 1);
    return status === "" || status!.startsWith("HTTP/1.1 200 ") ? undefined : status;
  }

  #onPiece(piece: string): void {
    const now = performance.now();
    this.#received += piece;
    this.#request.onPiece();
    const { dialect, sampled } = this.#request;
    if ((sampled || this.#textAt === undefined) && hasText(dialect, piece)) {
      if (this.#textAt === undefined) this.firstTextAt = now;
      else this.gapsMs.push(now - this.#textAt);
      this.#textAt = now;
    }
    if (this.#received.endsWith(END)) {
      this.wholeAt = now;
      this.close();
    } else if (this.refusal !== undefined) this.close();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#request.onEnd();
  }

  close(): void {
    this.#end();
    resetSocket(this.#socket);
  }
}
