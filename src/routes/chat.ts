import { Hono } from "hono";
import { accepts } from "hono/accepts";
import type { ChatCommand } from "../chat/chat-command.ts";
import type { Started } from "../chat/chat-service.ts";
import { chatNdjsonFormat, chatSseFormat } from "../chat/projections/ndjson.ts";
import { chatTextFormat } from "../chat/projections/text.ts";
import type { Format } from "../transports/transport.ts";
import { type ChatRequest, chatRequestSchema } from "../wire/chat.ts";
import { endSeen, shownCursor, startAfter } from "./answer-cursor.ts";
import { answerHeaders, answerSpec, type AnswerServices, generationFor } from "./answer-stream.ts";
import { admit, answerOrDefer, refuse } from "./admit.ts";
import { readJson } from "./body.ts";
import { openStream } from "./open-stream.ts";
import {
  type AppContext,
  type AppEnvironment,
  idempotencyKeyOf,
  incomingOf,
  outgoingOf,
  principalOf,
} from "./request.ts";
import { answerAccepted, prefersAsync, unabandoned } from "./respond-async.ts";

const BASE = "/api/v1/ai/chat";

/** `/api/v1/ai/chat`: a model's answer as a stream or a document, readable again from anywhere. */
export function chatRoutes(services: AnswerServices): Hono<AppEnvironment> {
  const { archive, chat, limits, log, readers } = services;
  return new Hono<AppEnvironment>()
    .post("/", async (c) => {
      const principal = principalOf(c.req.query("user"));
      const caller = { principal, idempotencyKey: idempotencyKeyOf(c) };
      const shown = shownCursor(c);
      const body = await readJson(incomingOf(c), limits, chatRequestSchema);
      const command = commandOf(body);
      const start = (asked: ChatCommand): Promise<Started> =>
        generationFor(services, asked, caller, shown);
      if (prefersAsync(c))
        return answerAccepted(c, services, await start(unabandoned(command)), {
          principal,
          base: BASE,
        });
      const format = body.stream === false ? undefined : formatOf(c);
      if (!format) return answerDocument(c, services, principal, () => start(command));
      return openStream(c, services, { format, principal }, async () => {
        const { generation } = await start(command);
        return answerSpec(readers, {
          generation,
          start: await startAfter(log, generation, shown),
        });
      });
    })
    .get("/:generation", async (c) => {
      const principal = principalOf(c.req.query("user"));
      return c.json(await archive.snapshot(c.req.param("generation"), principal));
    })
    .get("/:generation/stream", async (c) => {
      const generation = c.req.param("generation");
      const principal = principalOf(c.req.query("user"));
      const format = formatOf(c) ?? chatNdjsonFormat;
      const shown = shownCursor(c);
      return answerOrDefer(c, services, format, async () => {
        await archive.requireReadable(generation, principal);
        if (shown && (await endSeen(log, generation, shown))) return c.body(null, 204);
        return openStream(c, services, { format, principal }, () =>
          answerSpec(readers, {
            generation,
            start: shown ? { kind: "cursor", position: shown.position } : { kind: "earliest" },
            merged: !shown,
          }),
        );
      });
    })
    .post("/:generation/stop", async (c) => {
      const principal = principalOf(c.req.query("user"));
      return c.json(await chat.stop(c.req.param("generation"), principal));
    });
}

function commandOf(body: ChatRequest): ChatCommand {
  const { prompt, messages, model, maxTokens, max_tokens, temperature, chatId } = body;
  return {
    messages: messages ?? [{ role: "user", content: prompt! }],
    model,
    maxTokens: maxTokens ?? max_tokens,
    temperature,
    chat: chatId === undefined ? undefined : { id: chatId },
  };
}

/** The answer once it is whole: it takes as long as a stream, so it takes a place like one. */
async function answerDocument(
  c: AppContext,
  services: AnswerServices,
  principal: string,
  start: () => Promise<Started>,
): Promise<Response> {
  const admission = await admit(c, services, "json", principal);
  if ("reason" in admission) return refuse(c, services, undefined, admission);
  const left = new AbortController();
  outgoingOf(c).once("close", () => left.abort());
  try {
    const { generation } = await start();
    using _ = services.readers.join(generation);
    const document = await services.archive.whenEnded(generation, left.signal);
    return c.json(document, 200, answerHeaders(generation));
  } finally {
    admission.release();
  }
}

/** NDJSON unless another is asked for; undefined = one JSON document. */
function formatOf(c: AppContext): Format | undefined {
  const supports = ["application/x-ndjson", "text/event-stream", "application/json", "text/plain"];
  switch (accepts(c, { header: "Accept", supports, default: "application/x-ndjson" })) {
    case "text/event-stream":
      return chatSseFormat;
    case "application/json":
      return undefined;
    case "text/plain":
      return chatTextFormat;
    default:
      return chatNdjsonFormat;
  }
}
