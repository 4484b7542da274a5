import { Hono } from "hono";
import { accepts } from "hono/accepts";
import type { ChatCaller, ChatCommand } from "../chat/chat-command.ts";
import type { AnswerArchive } from "../chat/answer-archive.ts";
import type { ChatService, Started } from "../chat/chat-service.ts";
import type { Readership } from "../chat/generation/readership.ts";
import { chatNdjsonFormat, chatSseFormat } from "../chat/projections/ndjson.ts";
import { ServiceError } from "../errors.ts";
import type { Start } from "../hub/start.ts";
import { type Position, tryPosition } from "../log/position.ts";
import { chatTopic } from "../log/topic.ts";
import type { Format } from "../transports/transport.ts";
import { type ChatRequest, chatRequestSchema } from "../wire/chat.ts";
import { CURSOR_PARAMETERS } from "../wire/stream-query.ts";
import { type BodyLimits, readJson } from "./body.ts";
import { admit, refuse } from "./admit.ts";
import { openStream, type StreamServices, type StreamSpec } from "./open-stream.ts";
import {
  type AppContext,
  type AppEnvironment,
  idempotencyKeyOf,
  incomingOf,
  outgoingOf,
  principalOf,
} from "./request.ts";
import type { EventLog } from "../log/event-log.ts";

export interface ChatServices extends StreamServices {
  readonly chat: ChatService;
  readonly archive: AnswerArchive;
  readonly readers: Readership;
  readonly log: EventLog;
  readonly limits: BodyLimits;
}

/** `/api/v1/ai/chat`: a model's answer as a stream or a document, readable again from anywhere. */
export function chatRoutes(services: ChatServices): Hono<AppEnvironment> {
  const { archive, chat, limits, readers } = services;
  return new Hono<AppEnvironment>()
    .post("/", async (c) => {
      const caller = {
        principal: principalOf(c.req.query("user")),
        idempotencyKey: idempotencyKeyOf(c),
      };
      const body = await readJson(incomingOf(c), limits, chatRequestSchema);
      const format = body.stream === false ? undefined : formatOf(c);
      const shown = shownPosition(c);
      if (shown && caller.idempotencyKey === undefined) {
        // A client that repeats its POST with a cursor wants the rest, not another answer.
        const detail =
          "A cursor on a POST needs the Idempotency-Key of its generation; or GET its /stream.";
        throw new ServiceError("invalid-parameter", detail, { field: shown.field });
      }
      if (format) {
        const start = () => chat.start(commandOf(body), caller);
        return openStream(c, services, { format, principal: caller.principal }, async () =>
          specOf(readers, (await start()).generation, shown?.position),
        );
      }
      return answerDocument(c, services, caller, () => chat.start(commandOf(body), caller));
    })
    .get("/:generation", async (c) => {
      const principal = principalOf(c.req.query("user"));
      return c.json(await archive.snapshot(c.req.param("generation"), principal));
    })
    .get("/:generation/stream", async (c) => {
      const generation = c.req.param("generation");
      const principal = principalOf(c.req.query("user"));
      const format = formatOf(c) ?? chatNdjsonFormat;
      const shown = shownPosition(c);
      if (await hasEnded(c, services, { generation, principal, shown })) return c.body(null, 204);
      return openStream(c, services, { format, principal }, () =>
        specOf(readers, generation, shown?.position),
      );
    })
    .post("/:generation/stop", async (c) => {
      const principal = principalOf(c.req.query("user"));
      return c.json(await chat.stop(c.req.param("generation"), principal));
    });
}

function commandOf(body: ChatRequest): ChatCommand {
  const { prompt, messages, model, maxTokens, max_tokens, temperature } = body;
  return {
    messages: messages ?? [{ role: "user", content: prompt! }],
    model,
    maxTokens: maxTokens ?? max_tokens,
    temperature,
  };
}

/** The answer once it is whole: it takes as long as a stream, so it takes a place like one. */
async function answerDocument(
  c: AppContext,
  services: ChatServices,
  { principal }: ChatCaller,
  start: () => Promise<Started>,
): Promise<Response> {
  const admission = await admit(c, services, "json", principal);
  if ("reason" in admission) return refuse(c, undefined, admission);
  const left = new AbortController();
  outgoingOf(c).once("close", () => left.abort());
  try {
    const { generation } = await start();
    using _ = services.readers.join(generation);
    const document = await services.archive.whenEnded(generation, left.signal);
    return c.json(document, 200, headersOf(generation));
  } finally {
    admission.release();
  }
}

/** NDJSON unless another is asked for; undefined = one JSON document. */
function formatOf(c: AppContext): Format | undefined {
  const supports = ["application/x-ndjson", "text/event-stream", "application/json"];
  switch (accepts(c, { header: "Accept", supports, default: "application/x-ndjson" })) {
    case "text/event-stream":
      return chatSseFormat;
    case "application/json":
      return undefined;
    default:
      return chatNdjsonFormat;
  }
}

function headersOf(generation: string): Record<string, string> {
  return { "x-generation-id": generation, "content-location": `/api/v1/ai/chat/${generation}` };
}

/** @param readers by which the answer's writer knows that somebody reads it */
function specOf(
  readers: Readership,
  generation: string,
  position: Position | undefined,
): StreamSpec {
  const reader = readers.join(generation);
  const start: Start = position ? { kind: "cursor", position } : { kind: "earliest" };
  return {
    headers: headersOf(generation),
    subscriptions: [{ topic: chatTopic(generation), start }],
    onClosed: () => reader[Symbol.dispose](),
  };
}

/** Undefined without a cursor. @throws ServiceError for garbage: half an answer is none, so there is no gap to tell */
function shownPosition(c: AppContext): { position: Position; field: string } | undefined {
  const header = c.req.header("last-event-id");
  const field = header ? "Last-Event-ID" : CURSOR_PARAMETERS.find((name) => c.req.query(name));
  if (!field) return undefined;
  const position = tryPosition(header || c.req.query(field)!);
  if (position) return { position, field };
  throw notOurs(field);
}

function notOurs(field: string): ServiceError {
  return new ServiceError("invalid-parameter", `${field} is not a position of this generation.`, {
    field,
  });
}

interface Resumption {
  readonly generation: string;
  readonly principal: string;
  readonly shown: ReturnType<typeof shownPosition>;
}

/** Whether the reader has seen all there will be. @throws ServiceError for an unknown generation, or another's cursor */
async function hasEnded(
  c: AppContext,
  { archive, log }: ChatServices,
  { generation, principal, shown }: Resumption,
): Promise<boolean> {
  const topic = chatTopic(generation);
  try {
    await archive.requireReadable(generation, principal);
    if (!shown) return false;
    // The head first: what it calls closed, the reading after it has seen whole.
    const [head, next] = await Promise.all([
      log.head(topic),
      log.read(topic, shown.position, { events: 1, bytes: 1 }),
    ]);
    if (next.gap || next.retracted) throw notOurs(shown.field);
    return head.closed && next.events.length === 0;
  } catch (error) {
    // An EventSource would die of a 503: it gets an open stream that waits.
    const waits = c.req.header("accept")?.includes("text/event-stream");
    if (waits && error instanceof ServiceError && error.code === "log-unavailable") return false;
    throw error;
  }
}
