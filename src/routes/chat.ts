import { Hono } from "hono";
import { accepts } from "hono/accepts";
import { type ChatService, unknownGeneration } from "../chat/chat-service.ts";
import { chatNdjsonFormat, chatSseFormat } from "../chat/projections/ndjson.ts";
import { ServiceError } from "../errors.ts";
import { tryCursor } from "../hub/cursor.ts";
import { comparePositions } from "../log/position.ts";
import { chatTopic, type Topic } from "../log/topic.ts";
import type { Format } from "../transports/transport.ts";
import { chatRequestSchema } from "../wire/chat.ts";
import { type BodyLimits, readJson } from "./body.ts";
import { openStream, type StreamServices } from "./open-stream.ts";
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
  readonly log: EventLog;
  readonly limits: BodyLimits;
}

/** `/api/v1/ai/chat`: a model's answer as a stream or a document, readable again from anywhere. */
export function chatRoutes(services: ChatServices): Hono<AppEnvironment> {
  const { chat, limits } = services;
  return new Hono<AppEnvironment>()
    .post("/", async (c) => {
      const caller = {
        principal: principalOf(c.req.query("user")),
        idempotencyKey: idempotencyKeyOf(c),
      };
      const body = await readJson(incomingOf(c), limits, chatRequestSchema);
      const format = body.stream === false ? undefined : formatOf(c);
      const generation = await chat.start(body, caller);
      if (format) return streamGeneration(c, services, generation, format);
      const left = new AbortController();
      outgoingOf(c).once("close", () => left.abort());
      return c.json(await chat.whenEnded(generation, left.signal), 200, headersOf(generation));
    })
    .get("/:generation", async (c) => c.json(await chat.snapshot(c.req.param("generation"))))
    .get("/:generation/stream", async (c) => {
      const generation = c.req.param("generation");
      chatTopic(generation);
      const format = formatOf(c) ?? chatNdjsonFormat;
      const ended = await hasEnded(c, services, generation);
      if (ended === undefined) throw unknownGeneration(generation);
      return ended ? c.body(null, 204) : streamGeneration(c, services, generation, format);
    })
    .post("/:generation/stop", async (c) => c.json(await chat.stop(c.req.param("generation"))));
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

function streamGeneration(
  c: AppContext,
  services: ChatServices,
  generation: string,
  format: Format,
): Promise<Response> {
  const topic = chatTopic(generation);
  const position = shownPosition(c, topic);
  return openStream(c, services, {
    format,
    principal: principalOf(c.req.query("user")),
    follow: true,
    headers: headersOf(generation),
    subscriptions: [
      { topic, start: position ? { kind: "cursor", position } : { kind: "earliest" } },
    ],
  });
}

/** Undefined without a cursor. @throws ServiceError for one that is not of a generation: half an answer is none */
function shownPosition(c: AppContext, topic: Topic) {
  const text = c.req.header("last-event-id") || c.req.query("last_event_id");
  if (!text) return undefined;
  const position = tryCursor(text, [topic])?.get(topic);
  if (position) return position;
  throw new ServiceError(
    "invalid-parameter",
    "last_event_id is not a position of this generation.",
    { field: "last_event_id" },
  );
}

/** Whether the reader has seen all there will be; undefined where there is no such generation. */
async function hasEnded(
  c: AppContext,
  { log }: ChatServices,
  generation: string,
): Promise<boolean | undefined> {
  const topic = chatTopic(generation);
  const position = shownPosition(c, topic);
  try {
    const head = await log.head(topic);
    if (head.position.n === 0) return undefined;
    return head.closed && position !== undefined && comparePositions(position, head.position) >= 0;
  } catch (error) {
    // An EventSource would die of a 503: it gets an open stream that waits.
    if (c.req.header("accept")?.includes("text/event-stream")) return false;
    throw error;
  }
}
