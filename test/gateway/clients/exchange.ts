import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { eventually } from "../../support/wait.ts";

export interface ExchangeOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent whole. Without it, and with a method that has a body, the body is what is written later. */
  readonly body?: string;
}

export interface Line {
  readonly text: string;
  /** When its end arrived, by `Date.now()`. */
  readonly atMs: number;
}

/** One request over a connection of its own, and the lines of its answer with the time at which each was there. */
export class Exchange implements Disposable {
  readonly request: ClientRequest;
  readonly lines: Line[] = [];
  response: IncomingMessage | undefined;
  /** The head, by `Date.now()`. */
  headMs: number | undefined;
  readonly startedMs = Date.now();
  ended = false;
  error: Error | undefined;
  #rest = "";

  constructor(url: string, options: ExchangeOptions = {}) {
    const request = url.startsWith("https:") ? secureRequest : plainRequest;
    const { method = "GET", headers = {}, body } = options;
    this.request = request(url, { method, headers, agent: false });
    this.request.on("error", (error) => (this.error ??= error));
    // What has arrived and is not read yet outlives the connection.
    this.request.on("close", () => (this.ended ||= this.response === undefined));
    this.request.on("response", (response) => this.#read(response));
    this.request.setNoDelay(true);
    if (method === "GET" || body !== undefined) this.request.end(body);
    else this.request.flushHeaders();
  }

  #read(response: IncomingMessage): void {
    this.headMs = Date.now();
    this.response = response;
    response.setEncoding("utf8");
    response.on("error", (error) => (this.error ??= error));
    response.on("close", () => (this.ended = true));
    response.on("data", (text: string) => {
      const atMs = Date.now();
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop()!;
      for (const line of lines) this.lines.push({ text: line, atMs });
    });
  }

  /** Resolves when something holds. @throws when it does not in time, or cannot any more */
  async until<T>(what: string, probe: () => T, timeoutMs: number): Promise<NonNullable<T>> {
    let over: Error | undefined;
    const found = await eventually(
      () => {
        const { ended } = this;
        const result = probe();
        if (!result && ended) {
          const status = this.response?.statusCode ?? "no status";
          over = new Error(`${what}: it has ended (${status})`, { cause: this.error });
          return true as const;
        }
        return result;
      },
      { timeoutMs, what, everyMs: 2 },
    );
    if (over) throw over;
    return found as NonNullable<T>;
  }

  /** The head. @throws unless its status is a success */
  async head(timeoutMs: number): Promise<IncomingMessage> {
    const response = await this.until("the head", () => this.response, timeoutMs);
    if (response.statusCode! < 300) return response;
    throw new Error(`the gateway answers ${response.statusCode}: ${await this.whole(timeoutMs)}`);
  }

  async whole(timeoutMs: number): Promise<string> {
    await eventually(() => this.ended, { timeoutMs, what: "the end" });
    return [...this.lines.map(({ text }) => text), this.#rest].join("\n");
  }

  /** Writes a piece of the body. Resolves when the kernel has taken it. */
  send(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.request.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Cuts the connection. */
  async cut(): Promise<void> {
    if (this.ended) return;
    const closed = new Promise((resolve) => this.request.once("close", resolve));
    this.request.destroy();
    await closed;
  }

  [Symbol.dispose](): void {
    this.request.destroy();
  }
}
