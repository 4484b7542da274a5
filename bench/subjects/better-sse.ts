import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";
import { readPublished } from "./published.ts";

/**
 * The peer: a channel of `better-sse`, to which each event is broadcast. Without its keep-alive: most of the others send
 * none either.
 *
 *   better-sse.ts <port>
 */
const channel = createChannel();

const server = createServer((request, response) => {
  void (async () => {
    if (request.method === "GET") {
      const session = await createSession(request, response, { keepAlive: null });
      session.push({}, "live");
      channel.register(session);
      return;
    }
    for (const { type, data } of await readPublished(request)) channel.broadcast(data, type);
    response.writeHead(204).end();
  })();
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 16_384 });
