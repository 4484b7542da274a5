import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { fill } from "../../bench/load/fill.ts";
import { Load } from "../../bench/load/load.ts";
import { type Published, readPublished } from "../../bench/subjects/published.ts";
import type { Surface } from "../../bench/subjects/subject.ts";
import { verifies } from "../support/verifies.ts";

const SSE: Surface = {
  protocol: "sse",
  readPath: "/events",
  publishPath: "/publish",
  body: "json",
  greeting: "event: live\n",
};
const WEBSOCKET: Surface = { ...SSE, protocol: "websocket", greeting: '"live"' };
const BURST = 10;
const READERS = 3;

/**
 * A broadcaster that gives every reader of each publish, and of what there was before: the fourth event not at all and
 * the seventh twice where it is told to; so many in all as there should be.
 */
class Broadcaster {
  faulty = false;
  readonly #kept: Published[] = [];
  readonly #readers = new Set<(event: Published) => void>();
  readonly #server: Server = createServer((request, response) => {
    if (request.method === "GET") this.#join(request, this.#overHttp(response));
    else void this.#publish(request).then(() => response.writeHead(204).end());
  });
  readonly #sockets = new WebSocketServer({ server: this.#server });

  async listen(): Promise<number> {
    this.#sockets.on("connection", (socket: WebSocket, request) =>
      this.#join(request, ({ type, data }) => socket.send(JSON.stringify({ type, data }))),
    );
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  /** A heartbeat, a comment with a blank line behind it, comes before each event; it is no event. */
  #overHttp(response: ServerResponse) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    return ({ type, data }: Published): void =>
      void response.write(`: \n\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** One that comes back has missed the last publish. */
  #join({ headers }: IncomingMessage, send: (event: Published) => void): void {
    const back = headers["last-event-id"] !== undefined;
    for (const event of this.#given(back ? this.#kept.slice(-BURST) : this.#kept)) send(event);
    send({ type: "live", data: {} });
    this.#readers.add(send);
  }

  async #publish(request: IncomingMessage): Promise<void> {
    const events = await readPublished(request);
    this.#kept.push(...events);
    for (const event of this.#given(events)) for (const send of this.#readers) send(event);
  }

  #given(events: readonly Published[]): readonly Published[] {
    if (!this.faulty) return events;
    return events.flatMap((event, index) =>
      index === 3 ? [] : index === 6 ? [event, event] : [event],
    );
  }

  async close(): Promise<void> {
    this.#sockets.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

let broadcaster: Broadcaster;
let port: number;
beforeEach(async () => {
  broadcaster = new Broadcaster();
  port = await broadcaster.listen();
});
afterEach(() => broadcaster.close());

const opening = (surface: Surface, backlog = 0) =>
  ({ kind: "open", port, surface, readers: READERS, backlog, atOnce: true }) as const;
const publishing = { kind: "publish", events: BURST, burst: BURST } as const;
const none = { lost: 0, doubled: 0 };
const oneEach = { expected: READERS * BURST, lost: READERS, doubled: READERS };

describe.for([
  ["SSE", SSE],
  ["WebSocket", WEBSOCKET],
] as const)("what readers of a benchmark are given, over %s", ([, surface]) => {
  it("a lost event and a doubled one do not cancel out", verifies("bench-counts"), async () => {
    using load = new Load(opening(surface));
    expect(await load.open(opening(surface))).toMatchObject({ expected: 0, ...none });
    expect(await load.publish(publishing)).toMatchObject({ ...oneEach, ...none });
    broadcaster.faulty = true;
    expect(await load.publish(publishing)).toMatchObject(oneEach);
    broadcaster.faulty = false;
    expect(await load.publish(publishing)).toMatchObject({ ...oneEach, ...none });
  });

  it("nor do they in a replay", verifies("bench-counts"), async () => {
    await fill({ kind: "fill", port, surface, events: BURST });
    for (const faulty of [true, false]) {
      broadcaster.faulty = faulty;
      using load = new Load(opening(surface, BURST));
      const deviation = faulty ? {} : none;
      expect(await load.open(opening(surface, BURST))).toMatchObject({ ...oneEach, ...deviation });
    }
  });
});

it("nor do they among those who come back", verifies("bench-counts"), async () => {
  using load = new Load(opening(SSE));
  await load.open(opening(SSE));
  await load.publish(publishing);
  const missed = { kind: "reconnect", missed: BURST } as const;
  expect(await load.reconnect(missed)).toMatchObject({ ...oneEach, ...none });
  broadcaster.faulty = true;
  expect(await load.reconnect(missed)).toMatchObject(oneEach);
});
