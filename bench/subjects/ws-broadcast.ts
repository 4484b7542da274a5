import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { readPublished } from "./published.ts";

/**
 * The peer: a broadcast with `ws` as its documentation shows it, with the text made once for each event.
 *
 *   ws-broadcast.ts <port>
 */
const server = createServer((request, response) => {
  void (async () => {
    for (const event of await readPublished(request)) {
      const text = JSON.stringify(event);
      for (const client of sockets.clients)
        if (client.readyState === client.OPEN) client.send(text);
    }
    response.writeHead(204).end();
  })();
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", (socket: WebSocket) => socket.send('{"type":"live"}'));
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 16_384 });
