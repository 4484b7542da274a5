import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import type { Surface } from "../subjects/subject.ts";
import { publishBody } from "./payload.ts";

/** Publishes over one connection that it keeps. */
export class Publisher implements Disposable {
  readonly #port: number;
  readonly #surface: Surface;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #next: number;

  /** @param next the number of the first event that it publishes: of so many that are there already */
  constructor(port: number, surface: Surface, next = 0) {
    this.#port = port;
    this.#surface = surface;
    this.#next = next;
  }

  /** The number of the event that it publishes next. */
  get next(): number {
    return this.#next;
  }

  /** Resolves when the publish has been answered. @throws where it has been refused */
  async publish(burst: number): Promise<void> {
    const { body: kind, publishPath } = this.#surface;
    const body = publishBody(this.#surface, this.#next, burst);
    this.#next += burst;
    const outgoing = request({
      agent: this.#agent,
      host: "127.0.0.1",
      port: this.#port,
      path: publishPath,
      method: kind === "status" ? "PUT" : "POST",
      headers: {
        "content-type": kind === "lines" ? "application/x-ndjson" : "application/json",
        "content-length": body.length,
      },
    });
    outgoing.end(body);
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    const ended = once(answer.resume(), "end");
    if (answer.statusCode! >= 300) throw new Error(`A publish was answered ${answer.statusCode}.`);
    await ended;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
