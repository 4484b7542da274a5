import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { Redis } from "ioredis";

/** Entries of one page. */
const PAGE = 256;

/**
 * The peer: a stream of Redis replayed as one writes it by hand, with one XRANGE per reader and page, over one
 * auto-pipelined connection, and each page encoded for the reader who has asked for it.
 *
 *   xrange.ts <port> <redisUrl> <key>
 */
const [port, redisUrl, key] = process.argv.slice(2) as [string, string, string];
const redis = new Redis(redisUrl, { enableAutoPipelining: true });

async function replay(response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  for (let after = "-", more = true; more;) {
    const page = await redis.xrange(key, after, "+", "COUNT", PAGE);
    const last = page.at(-1);
    more = page.length === PAGE;
    if (last) after = `(${last[0]}`;
    const frames = page.map(
      ([id, fields]) => `id: ${id}\nevent: ${fields[1]}\ndata: ${fields[3]}\n\n`,
    );
    if (frames.length > 0 && !response.write(frames.join(""))) await once(response, "drain");
  }
  response.write("event: live\ndata: {}\n\n");
}

const server = createServer((_, response) => void replay(response));
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 16_384 });
