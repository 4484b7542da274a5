import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { type Answer, failureOf } from "../chat/answer.ts";
import type { ChatCaller, ChatCommand } from "../chat/chat-command.ts";
import type { ChatService } from "../chat/chat-service.ts";
import type { Readership } from "../chat/generation/readership.ts";
import type { ModelRegistry } from "../chat/models/model-registry.ts";
import { completionOf, createCompletionFormat } from "../chat/projections/openai.ts";
import { readAnswer } from "../chat/read-answer.ts";
import type { Hub } from "../hub/hub.ts";
import { chatTopic } from "../log/topic.ts";
import type { Format } from "../transports/transport.ts";
import {
  type CompletionRequest,
  completionRequestSchema,
  type ModelEntry,
} from "../wire/openai.ts";
import { admit, refuse } from "./admit.ts";
import { type BodyLimits, readJson } from "./body.ts";
import { completionCommandOf } from "./openai-command.ts";
import { openStream, type StreamServices } from "./open-stream.ts";
import {
  type AppContext,
  type AppEnvironment,
  idempotencyKeyOf,
  incomingOf,
  outgoingOf,
  principalOf,
} from "./request.ts";

/**
 * How long a stream's head waits for the first word. An answer that fails before it is then an HTTP status, which every
 * client understands and which OpenAI's repeat where that can help; in a stream none of them would. A slower model gets
 * its head then: proxies and people begin to wonder.
 */
const FIRST_WORD_PATIENCE_MS = 5_000;

export interface OpenAiServices extends StreamServices {
  readonly chat: ChatService;
  readonly readers: Readership;
  readonly hub: Hub;
  readonly models: ModelRegistry;
  readonly limits: BodyLimits;
}

/** `/v1`: what OpenAI's clients speak. */
export function openAiRoutes(services: OpenAiServices): Hono<AppEnvironment> {
  const { models, limits } = services;
  const entryOf = (id: string): ModelEntry => ({
    id,
    object: "model",
    created: Math.floor(models.since / 1_000),
    owned_by: "novastream",
  });
  return new Hono<AppEnvironment>()
    .post("/chat/completions", async (c) => {
      const caller = {
        principal: principalOf(c.req.query("user")),
        idempotencyKey: idempotencyKeyOf(c),
      };
      const body = await readJson(incomingOf(c), limits, completionRequestSchema);
      const command = commandOf(body, caller);
      if (!body.stream) return answerCompletion(c, services, command, caller);
      const includeUsage = body.stream_options?.include_usage === true;
      const format = createCompletionFormat({ includeUsage });
      return streamCompletion(c, services, format, command, caller);
    })
    .get("/models", (c) => c.json({ object: "list", data: models.names.map(entryOf) }))
    .get("/models/:model", (c) => c.json(entryOf(models.find(c.req.param("model")).name)));
}

/** Nobody can come back to an answer here but with the key of its request: without one, who leaves has given it up. */
function commandOf(body: CompletionRequest, { idempotencyKey }: ChatCaller): ChatCommand {
  const abandonAfterMs = idempotencyKey === undefined ? 0 : undefined;
  return { ...completionCommandOf(body), abandonAfterMs };
}

function streamCompletion(
  c: AppContext,
  services: OpenAiServices,
  format: Format,
  command: ChatCommand,
  caller: ChatCaller,
): Promise<Response> {
  const { chat, readers } = services;
  return openStream(c, services, { format, principal: caller.principal }, async () => {
    const { generation } = await chat.start(command, caller);
    const reader = readers.join(generation);
    try {
      await requireBegun(c, services, generation);
    } catch (error) {
      reader[Symbol.dispose]();
      throw error;
    }
    return {
      headers: headersOf(generation),
      subscriptions: [{ topic: chatTopic(generation), start: { kind: "earliest" } }],
      finite: true,
      onClosed: () => reader[Symbol.dispose](),
    };
  });
}

/** Resolves with the first word, or after a while without one. @throws ServiceError where it has failed already */
async function requireBegun(
  c: AppContext,
  { hub }: OpenAiServices,
  generation: string,
): Promise<void> {
  const signal = AbortSignal.any([departureOf(c), AbortSignal.timeout(FIRST_WORD_PATIENCE_MS)]);
  const answer = await readAnswer(hub, { generation, enough: hasBegun, signal });
  const failure = answer && failureOf(answer);
  if (failure) throw failure;
}

/** The answer once it is whole: it takes as long as a stream, so it takes a place like one. */
async function answerCompletion(
  c: AppContext,
  services: OpenAiServices,
  command: ChatCommand,
  caller: ChatCaller,
): Promise<Response> {
  const { chat, hub, readers } = services;
  const admission = await admit(c, services, "json", caller.principal);
  if ("reason" in admission) return refuse(c, services, undefined, admission);
  const signal = departureOf(c);
  try {
    const { generation } = await chat.start(command, caller);
    using _ = readers.join(generation);
    const answer = await readAnswer(hub, { generation, enough: hasEnded, signal });
    if (!answer || !hasEnded(answer)) return RESPONSE_ALREADY_SENT;
    const failure = failureOf(answer);
    if (failure) throw failure;
    return c.json(completionOf(answer), 200, headersOf(generation));
  } finally {
    admission.release();
  }
}

function hasBegun({ text, reasoning, toolCalls, error, finishReason }: Answer): boolean {
  return text !== "" || reasoning !== "" || toolCalls.length > 0 || !!error || !!finishReason;
}

function hasEnded({ finishReason }: Answer): boolean {
  return finishReason !== undefined;
}

function headersOf(generation: string): Record<string, string> {
  return { "x-generation-id": generation, "content-location": `/api/v1/ai/chat/${generation}` };
}

/** Aborts when the client leaves. */
function departureOf(c: AppContext): AbortSignal {
  const left = new AbortController();
  const response = outgoingOf(c);
  if (response.closed) left.abort();
  else response.once("close", () => left.abort());
  return left.signal;
}
