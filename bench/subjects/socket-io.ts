import { createServer } from "node:http";
import { Server } from "socket.io";
import { readPublished } from "./published.ts";

/** No ping comes while it is measured: the readers answer none. */
const PING_INTERVAL_MS = 600_000;

/**
 * The peer: a broadcast with `socket.io`, over WebSocket alone.
 *
 *   socket-io.ts <port>
 */
const server = createServer();
const io = new Server(server, { transports: ["websocket"], pingInterval: PING_INTERVAL_MS });
io.on("connection", (socket) => socket.emit("live"));
server.on("request", (request, response) => {
  if (request.url !== "/publish") return;
  void (async () => {
    for (const { type, data } of await readPublished(request)) io.emit(type, data);
    response.writeHead(204).end();
  })();
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 16_384 });
