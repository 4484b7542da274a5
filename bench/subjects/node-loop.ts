import { createServer } from "node:http";
import type { Socket } from "node:net";
import { readPublished } from "./published.ts";

/**
 * What Node itself takes: each event is made one HTTP chunk once, and that Buffer is written to every socket. No log, no
 * ids to resume from, no backpressure, no heartbeats.
 *
 *   node-loop.ts <port>
 */
const sockets = new Set<Socket>();
let lastId = 0;

function chunk(frame: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(frame).toString(16)}\r\n${frame}\r\n`);
}

const server = createServer((request, response) => {
  void (async () => {
    if (request.method === "GET") {
      const socket = request.socket.setNoDelay(true);
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
      response.write("event: live\ndata: {}\n\n");
      sockets.add(socket);
      response.once("close", () => sockets.delete(socket));
      return;
    }
    for (const { type, data } of await readPublished(request)) {
      const shared = chunk(`id: ${++lastId}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
      for (const socket of sockets) socket.write(shared);
    }
    response.writeHead(204).end();
  })();
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 16_384 });
