import { Hono } from "hono";
import { isGeneration } from "../chat/chat-cursor.ts";
import { locatePart } from "../chat/part-index.ts";
import { uiMessageFormat } from "../chat/projections/ui-message.ts";
import { commandOfUiRequest } from "../chat/ui-conversation.ts";
import { ServiceError } from "../errors.ts";
import { chatTopic } from "../log/topic.ts";
import type { GenerationSnapshot } from "../wire/chat.ts";
import { startIndexSchema, uiChatRequestSchema, uiStopRequestSchema } from "../wire/ui-chat.ts";
import { shownCursor, startAfter } from "./answer-cursor.ts";
import { answerOrDefer } from "./admit.ts";
import { answerSpec, type AnswerServices, generationFor } from "./answer-stream.ts";
import { parseJson, readJson, readText, validate } from "./body.ts";
import { openStream } from "./open-stream.ts";
import {
  type AppContext,
  type AppEnvironment,
  idempotencyKeyOf,
  incomingOf,
  principalOf,
} from "./request.ts";
import { answerAccepted, prefersAsync, unabandoned } from "./respond-async.ts";

const BASE = "/api/chat";

/** `/api/chat`: the UI message stream protocol of the AI SDK, resume and stop included. */
export function uiChatRoutes(services: AnswerServices): Hono<AppEnvironment> {
  const { archive, chat, limits, log, readers } = services;
  return new Hono<AppEnvironment>()
    .post("/", async (c) => {
      const principal = principalOf(c.req.query("user"));
      const caller = { principal, idempotencyKey: idempotencyKeyOf(c) };
      const shown = shownCursor(c);
      const command = commandOfUiRequest(
        await readJson(incomingOf(c), limits, uiChatRequestSchema),
      );
      if (prefersAsync(c)) {
        const started = await generationFor(services, unabandoned(command), caller, shown);
        return answerAccepted(c, services, started, { principal, base: BASE });
      }
      return openStream(c, services, { format: uiMessageFormat, principal }, async () => {
        const { generation } = await generationFor(services, command, caller, shown);
        const start = await startAfter(log, generation, shown);
        return answerSpec(readers, { generation, start, headers: headersOf(generation) });
      });
    })
    .get("/:chatId/stream", async (c) => {
      const id = c.req.param("chatId");
      const principal = principalOf(c.req.query("user"));
      const shown = shownCursor(c);
      const startIndex = shown ? undefined : startIndexOf(c);
      return answerOrDefer(c, services, uiMessageFormat, async () => {
        const generation = isGeneration(id)
          ? id
          : (shown?.generation ?? (await chat.active(id, principal)));
        if (generation === undefined) return c.body(null, 204);
        await archive.requireReadable(generation, principal);
        return openStream(c, services, { format: uiMessageFormat, principal }, async () => {
          const headers = headersOf(generation);
          if (!startIndex) {
            const start = await startAfter(log, generation, shown);
            // Who counts parts, or shows where it stands, gets each as it was.
            const merged = !shown && startIndex === undefined;
            return answerSpec(readers, { generation, start, headers, merged });
          }
          const { after, tailIndex } = await locatePart(log, chatTopic(generation), startIndex);
          if (tailIndex !== undefined) headers["x-workflow-stream-tail-index"] = String(tailIndex);
          const start = { kind: "cursor", position: after } as const;
          return answerSpec(readers, { generation, start, headers, merged: false });
        });
      });
    })
    .post("/:chatId/stop", async (c) => {
      const id = c.req.param("chatId");
      const principal = principalOf(c.req.query("user"));
      const text = await readText(incomingOf(c), limits);
      const body = validate(uiStopRequestSchema, text.trim() === "" ? {} : parseJson(text));
      const only = body.activeStreamId ?? undefined;
      if (!isGeneration(id)) return c.json(stopOf(await chat.stopChat(id, principal, only)));
      const meant = only === undefined || only === id;
      return c.json(
        stopOf(meant ? await chat.stop(id, principal) : await archive.snapshot(id, principal)),
      );
    });
}

/** Undefined where nothing was under way, or not what the client meant. */
function stopOf(snapshot: GenerationSnapshot | undefined) {
  return { generation: snapshot?.generation ?? null, state: snapshot?.state ?? null };
}

function headersOf(generation: string): Record<string, string> {
  return { "x-vercel-ai-ui-message-stream": "v1", "x-workflow-run-id": generation };
}

/** @throws ServiceError `invalid-parameter` */
function startIndexOf(c: AppContext): number | undefined {
  const text = c.req.query("startIndex");
  if (text === undefined) return undefined;
  const result = startIndexSchema.safeParse(text);
  if (result.success) return result.data;
  const detail = `startIndex: ${result.error.issues[0]!.message}.`;
  throw new ServiceError("invalid-parameter", detail, { field: "startIndex" });
}
