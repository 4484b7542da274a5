import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What was sent to the upstream, and what became of it. */
export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Undefined where the request was cut before it was whole. */
  readonly body: Record<string, unknown>;
  /** The caller has gone before the answer was whole. */
  aborted: boolean;
}

/** How one request is answered; what it returns without an end stays open. */
export type Behaviour = (
  response: ServerResponse,
  request: UpstreamRequest,
) => void | Promise<void>;

/** A member of a chunk's `delta`. */
export type Delta = Record<string, unknown>;

/** An endpoint that speaks OpenAI's chat completions by script, on a real socket; it records what it is sent. */
export class Upstream implements AsyncDisposable {
  readonly requests: UpstreamRequest[] = [];
  readonly #server: Server;
  readonly #queue: Behaviour[] = [];
  /** Of requests that nothing is queued for. */
  usual: Behaviour = says("Hello", ", world");

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<Upstream> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Upstream(server);
  }

  /** For `AI_BASE_URL`. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** How the next requests are answered, in order. */
  next(...behaviours: readonly Behaviour[]): this {
    this.#queue.push(...behaviours);
    return this;
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await text(incoming)) || "{}") as Record<string, unknown>;
    const { method = "", url: path = "", headers } = incoming;
    const request: UpstreamRequest = { method, path, headers, body, aborted: false };
    response.once("close", () => (request.aborted = !response.writableFinished));
    this.requests.push(request);
    await (this.#queue.shift() ?? this.usual)(response, request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** The head of a stream. */
export function begin(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
}

export function chunk(delta: Delta, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return frame({ ...SHAPE, choices });
}

export function usageChunk(prompt: number, completion: number): string {
  const usage = {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  };
  return frame({ ...SHAPE, choices: [], usage });
}

export function frame(document: object): string {
  return `data: ${JSON.stringify(document)}\n\n`;
}

export const DONE = "data: [DONE]\n\n";
const SHAPE = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1_795_000_000,
  model: "stub",
};

/** A whole stream of these deltas, with a finish, the usage and `[DONE]`. */
export function streams(deltas: readonly Delta[], finishReason = "stop"): Behaviour {
  return (response) => {
    begin(response);
    response.write(chunk({ role: "assistant", content: "" }));
    for (const delta of deltas) response.write(chunk(delta));
    response.end(chunk({}, finishReason) + usageChunk(7, deltas.length) + DONE);
  };
}

export function says(...texts: readonly string[]): Behaviour {
  return streams(texts.map((content) => ({ content })));
}

/** These bytes, and then the end, a cut, or nothing any more. */
export function sends(bytes: string, then: "end" | "cut" | "stall"): Behaviour {
  return (response) => {
    begin(response);
    response.write(bytes, () => {
      if (then === "end") response.end();
      if (then === "cut") response.destroy();
    });
  };
}

/** Never as much as a head. */
export const stalls: Behaviour = () => {};

export function refuses(
  status: number,
  error: object | string,
  headers: Record<string, string> = {},
): Behaviour {
  return (response) => {
    const json = typeof error !== "string";
    response.writeHead(status, {
      "content-type": json ? "application/json" : "text/html",
      ...headers,
    });
    response.end(json ? JSON.stringify({ error }) : error);
  };
}
