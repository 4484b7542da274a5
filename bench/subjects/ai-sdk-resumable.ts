import { convertToModelMessages, generateId, streamText, UI_MESSAGE_STREAM_HEADERS } from "ai";
import { Hono } from "hono";
import { Redis } from "ioredis";
import { createResumableStreamContext } from "resumable-stream/ioredis";
import { aiSdkDemoModel, serveWithMetrics, type UiChatRequest } from "./ai-sdk-peer.ts";

/**
 * The peer: the same route made resumable as the AI SDK's documentation has it, with `resumable-stream`, which keeps what
 * has been said in the process that says it and tells the others of it through Redis.
 *
 *   ai-sdk-resumable.ts <port> <delayMs> <redisUrl>
 */
const [port, delayMs, redisUrl] = process.argv.slice(2) as [string, string, string];
const model = aiSdkDemoModel(Number(delayMs));
const streams = createResumableStreamContext({
  waitUntil: null,
  publisher: new Redis(redisUrl),
  subscriber: new Redis(redisUrl),
});
/** Stands for the database in which an application keeps what stream answers in a chat. */
const activeStreams = new Map<string, string>();
const app = new Hono();

app.post("/api/chat", async (c) => {
  const { id, messages } = await c.req.json<UiChatRequest>();
  const result = streamText({ model, messages: await convertToModelMessages(messages) });
  return result.toUIMessageStreamResponse({
    originalMessages: messages,
    generateMessageId: generateId,
    onFinish: () => void activeStreams.delete(id),
    async consumeSseStream({ stream }) {
      const streamId = generateId();
      await streams.createNewResumableStream(streamId, () => stream);
      activeStreams.set(id, streamId);
    },
  });
});

app.get("/api/chat/:id/stream", async (c) => {
  const streamId = activeStreams.get(c.req.param("id"));
  const stream = streamId === undefined ? null : await streams.resumeExistingStream(streamId);
  if (!stream) return c.body(null, 204);
  return new Response(stream.pipeThrough(new TextEncoderStream()), {
    headers: UI_MESSAGE_STREAM_HEADERS,
  });
});

serveWithMetrics(app, Number(port));
