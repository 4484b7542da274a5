import type { ServerResponse } from "node:http";
import {
  type Closing,
  type Encoding,
  encodingOf,
  type Format,
  type Pack,
  type Transport,
  type TransportListener,
} from "./transport.ts";

/** How long the document may take to leave. */
const LINGER_MS = 10_000;
const NOTHING = Buffer.alloc(0);
const COMMA = 0x2c;

/** Lines become elements: each line's end is a comma. */
const listed: Pack = (frames) => {
  const packed = Buffer.concat(frames);
  let end = 0;
  for (const frame of frames) packed[(end += frame.length) - 1] = COMMA;
  return packed;
};

/** What a document holds of a stream: its events, and what stands in the place of events, as NDJSON has them. */
export function createJsonFormat(ndjson: Format): Format {
  return {
    name: "json",
    contentType: "application/json",
    ids: "cursor",
    event: (event, id) => ndjson.event(event, id),
    control: (type, data, id) =>
      type === "gap" || type === "dropped" ? ndjson.control(type, data, id) : undefined,
    heartbeat: NOTHING,
    closing: () => undefined,
  };
}

export const DOCUMENT_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  vary: "Accept, Origin",
};

/** How a document is answered: with what has been collected, or with something else in its place. */
export interface Conclusion {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined = the document. */
  readonly body?: string;
}

export interface JsonDocumentOptions {
  /** The label in metrics and lists. */
  readonly kind: string;
  readonly format: Format;
  /** Decides, when the connection ends, what becomes of it. */
  readonly conclude: (closing: Closing) => Conclusion;
}

/**
 * `{"events":[…],"cursor":"…"}`: collected, and sent whole when its connection ends. Its reader bounds it to a page, so
 * that there is never more than a batch of it here.
 */
export class JsonDocument implements Transport {
  readonly kind: string;
  readonly encoding: Encoding;
  readonly blockedSince = undefined;
  readonly #response: ServerResponse;
  readonly #conclude: JsonDocumentOptions["conclude"];
  readonly #parts: Buffer[] = [];
  #ended = false;
  bytes = 0;

  private constructor(response: ServerResponse, options: JsonDocumentOptions) {
    this.kind = options.kind;
    this.encoding = encodingOf(options.format, listed);
    this.#response = response;
    this.#conclude = options.conclude;
  }

  /** Undefined where the client has left meanwhile. */
  static open(response: ServerResponse, options: JsonDocumentOptions): JsonDocument | undefined {
    return response.destroyed || response.closed ? undefined : new JsonDocument(response, options);
  }

  get writable(): boolean {
    return !this.#ended;
  }

  listen(listener: TransportListener): void {
    this.#response.once("close", () => listener.closed());
  }

  write(packed: Buffer): void {
    if (this.#ended) return;
    this.#parts.push(packed);
    this.bytes += packed.length;
  }

  close(closing: Closing): void {
    if (this.#ended) return;
    this.#ended = true;
    const { status, headers, body } = this.#conclude(closing);
    const bytes = body === undefined ? this.#document(closing.cursor) : Buffer.from(body);
    this.#response.writeHead(status, { ...headers, "content-length": bytes.length });
    this.#response.end(bytes);
    const timer = setTimeout(() => this.#response.destroy(), LINGER_MS).unref();
    this.#response.once("close", () => clearTimeout(timer));
  }

  #document(cursor: string | undefined): Buffer {
    const elements = Buffer.concat(this.#parts);
    return Buffer.concat([
      Buffer.from('{"events":['),
      elements.subarray(0, -1),
      Buffer.from(`],"cursor":${JSON.stringify(cursor)}}\n`),
    ]);
  }

  destroy(): void {
    this.#ended = true;
    this.#response.destroy();
  }
}
