import { serve } from "@hono/node-server";
import type { UIMessage } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { Hono } from "hono";
import { collectDefaultMetrics, Registry } from "prom-client";
import { DemoModel } from "../../src/chat/models/demo-model.ts";
import { demoRequest } from "../load/demo-request.ts";

/** What the AI SDK's clients send. */
export interface UiChatRequest {
  readonly id: string;
  readonly messages: UIMessage[];
}

/** The demo model as a provider of the AI SDK: the same tokens at the same pace. */
export function aiSdkDemoModel(delayMs: number): MockLanguageModelV3 {
  const demo = new DemoModel(delayMs);
  return new MockLanguageModelV3({
    modelId: demo.name,
    doStream: async ({ prompt, abortSignal = new AbortController().signal }) => ({
      stream: ReadableStream.from(partsOf(demo, lastTextOf(prompt), abortSignal)),
    }),
  });
}

type CallOptions = Parameters<MockLanguageModelV3["doStream"]>[0];
type StreamPart =
  Awaited<ReturnType<MockLanguageModelV3["doStream"]>>["stream"] extends ReadableStream<infer Part>
    ? Part
    : never;

function lastTextOf(prompt: CallOptions["prompt"]): string {
  const message = prompt.findLast(({ role }) => role === "user");
  if (message?.role !== "user") throw new Error("There is no message of a user.");
  return message.content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

async function* partsOf(
  demo: DemoModel,
  prompt: string,
  signal: AbortSignal,
): AsyncGenerator<StreamPart> {
  yield { type: "stream-start", warnings: [] };
  yield { type: "text-start", id: "txt-0" };
  for await (const part of demo.stream(demoRequest(prompt), signal)) {
    if (part.type === "text") yield { type: "text-delta", id: "txt-0", delta: part.text };
    if (part.type !== "finish") continue;
    const { inputTokens: input = 0, outputTokens: output = 0 } = part.usage ?? {};
    yield { type: "text-end", id: "txt-0" };
    yield {
      type: "finish",
      finishReason: { unified: "stop", raw: undefined },
      usage: {
        inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: output, text: output, reasoning: 0 },
      },
    };
  }
}

/** Serves it, and beside it how its event loop lags, as NovaStream does. */
export function serveWithMetrics(app: Hono, port: number): void {
  const register = new Registry();
  collectDefaultMetrics({ register });
  app.get("/metrics", async (c) => c.text(await register.metrics()));
  serve({ fetch: app.fetch, hostname: "127.0.0.1", port });
}
