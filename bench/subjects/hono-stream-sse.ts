import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";

/**
 * The peer: a broadcaster as one writes it by hand with Hono's `streamSSE`. An event is made text once, and a publish is
 * answered when every reader's stream has taken it.
 *
 *   hono-stream-sse.ts <port>
 */
const readers = new Set<SSEStreamingApi>();
let lastId = 0;

const app = new Hono();

app.get("/events", (c) =>
  streamSSE(c, async (stream) => {
    const left = new Promise<void>((resolve) => stream.onAbort(resolve));
    await stream.writeSSE({ event: "live", data: "{}" });
    readers.add(stream);
    await left;
    readers.delete(stream);
  }),
);

app.post("/publish", async (c) => {
  const body = await c.req.json<Published | Published[]>();
  for (const { type, data } of Array.isArray(body) ? body : [body]) {
    const message = { id: String(++lastId), event: type, data: JSON.stringify(data) };
    await Promise.all([...readers].map((stream) => stream.writeSSE(message)));
  }
  return c.body(null, 204);
});

interface Published {
  readonly type: string;
  readonly data: unknown;
}

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.argv[2]) });
