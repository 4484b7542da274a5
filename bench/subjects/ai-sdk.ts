import { convertToModelMessages, streamText } from "ai";
import { Hono } from "hono";
import { aiSdkDemoModel, serveWithMetrics, type UiChatRequest } from "./ai-sdk-peer.ts";

/**
 * The peer: a chat route as the AI SDK's documentation has it, whose answer is the SDK's own. There is no log, nothing to
 * resume from, and nothing to stop it by.
 *
 *   ai-sdk.ts <port> <delayMs>
 */
const [port, delayMs] = process.argv.slice(2).map(Number) as [number, number];
const model = aiSdkDemoModel(delayMs);
const app = new Hono();

app.post("/api/chat", async (c) => {
  const { messages } = await c.req.json<UiChatRequest>();
  const result = streamText({ model, messages: await convertToModelMessages(messages) });
  return result.toUIMessageStreamResponse();
});

serveWithMetrics(app, port);
