import { Hono } from "hono";
import { z } from "zod";
import type { AnswerArchive } from "../chat/answer-archive.ts";
import { ServiceError } from "../errors.ts";
import type { EventDraft } from "../log/event.ts";
import { PUBLISH_MAX_EVENTS, type Publisher } from "../log/publisher.ts";
import { generationOf, kindOf, parseTopic, type Topic } from "../log/topic.ts";
import { topicsFor, topicOf } from "../notifications/audience.ts";
import { eventSchema, notificationSchema } from "../wire/publish.ts";
import { streamQuerySchema } from "../wire/stream-query.ts";
import { type BodyLimits, parseJson, readJson, readText, validate } from "./body.ts";
import {
  type AppContext,
  type AppEnvironment,
  idempotencyKeyOf,
  incomingOf,
  parseQuery,
  principalOf,
  queryOf,
} from "./request.ts";
import { topicStream, type TopicStreamServices } from "./topic-stream.ts";

/** Topics of one stream: its cursor names them all, and must fit into a header. */
const TOPICS_MAX = 32;

const ELSEWHERE: Readonly<Record<string, string>> = {
  status: "PUT /api/v1/wukongs/{name}/status",
  logs: "POST /api/v1/wukongs/{name}/logs",
  notifications: "POST /api/v1/notifications",
};

const topicList = z
  .array(z.string(), { error: "give at least one topic, as ?topic=app:orders&topic=…" })
  .min(1)
  .max(TOPICS_MAX, `at most ${TOPICS_MAX} topics fit into one stream`);

const channelList = z
  .array(z.string())
  .max(TOPICS_MAX - 2, `at most ${TOPICS_MAX - 2} channels fit into one stream`)
  .default([]);

/** Made once: zod compiles a schema when it is first used, and a stream keeps what its request has made. */
const eventsQuerySchema = streamQuerySchema.extend({ topic: topicList });
const notificationsQuerySchema = streamQuerySchema.extend({ channel: channelList });

export interface TopicServices extends TopicStreamServices {
  readonly publisher: Publisher;
  readonly archive: AnswerArchive;
  readonly limits: BodyLimits;
}

/** `/api/v1/topics/{topic}/events`, `/api/v1/events` and `/api/v1/notifications`: publish and read by topic. */
export function topicRoutes(services: TopicServices): Hono<AppEnvironment> {
  const { publisher, limits } = services;
  const contextOf = (c: AppContext) => ({
    principal: principalOf(c.req.query("user")),
    idempotencyKey: idempotencyKeyOf(c),
  });
  const published = (c: AppContext, ids: readonly string[]) =>
    c.json({ events: ids.map((id) => ({ id })) }, 201);
  return new Hono<AppEnvironment>()
    .post("/topics/:topic/events", async (c) => {
      const topic = publishableTopic(c.req.param("topic"));
      const context = contextOf(c);
      const drafts = await readDrafts(c, limits);
      return published(c, await publisher.publish(topic, drafts, context));
    })
    .get("/events", async (c) => {
      const query = parseQuery(queryOf(c), eventsQuerySchema, ["topic"]);
      const topics = [...new Set(query.topic.map((text) => parseTopic(text)))];
      const principal = principalOf(c.req.query("user"));
      return topicStream(c, services, {
        topics,
        query,
        principal,
        kind: "envelope",
        requireReadable: () => requireReadable(services.archive, topics, principal),
      });
    })
    .post("/notifications", async (c) => {
      const context = contextOf(c);
      const notification = await readJson(incomingOf(c), limits, notificationSchema);
      const draft = { type: "notification", data: JSON.stringify(notification) };
      return published(c, await publisher.publish(topicOf(notification.to), [draft], context));
    })
    .get("/notifications", async (c) => {
      const query = parseQuery(queryOf(c), notificationsQuerySchema, ["channel"]);
      const principal = principalOf(c.req.query("user"));
      const topics = topicsFor(principal, query.channel);
      return topicStream(c, services, { topics, query, principal, kind: "plain" });
    });
}

/** An answer is its owner's as a topic too. @throws ServiceError `not-found` */
async function requireReadable(
  archive: AnswerArchive,
  topics: readonly Topic[],
  principal: string,
): Promise<void> {
  const answers = topics.filter((topic) => kindOf(topic) === "chat");
  await Promise.all(
    answers.map(async (topic) => {
      try {
        await archive.requireReadable(generationOf(topic), principal);
      } catch (error) {
        if (!(error instanceof ServiceError) || error.code !== "not-found") throw error;
        throw new ServiceError("not-found", error.message, { field: "topic" });
      }
    }),
  );
}

/** Topics with a meaning of their own are published to where that meaning is checked. */
function publishableTopic(text: string): Topic {
  const topic = parseTopic(text);
  const kind = kindOf(topic);
  if (kind === "app") return topic;
  const elsewhere = ELSEWHERE[kind];
  throw new ServiceError(
    "invalid-parameter",
    elsewhere
      ? `Publish to ${kind} topics with ${elsewhere}.`
      : `Only the service itself publishes to ${kind} topics.`,
    { field: "topic" },
  );
}

/** One event, a JSON array of them, or NDJSON. */
async function readDrafts(c: AppContext, limits: BodyLimits): Promise<EventDraft[]> {
  const incoming = incomingOf(c);
  const ndjson = /ndjson|jsonl/i.test(incoming.headers["content-type"] ?? "");
  const text = await readText(incoming, limits);
  const documents = ndjson ? parseLines(text) : parseJson(text);
  const events = Array.isArray(documents)
    ? documents.map((document, index) =>
        validate(eventSchema, document, ndjson ? `line ${index + 1}` : String(index)),
      )
    : [validate(eventSchema, documents)];
  if (events.length === 0)
    throw new ServiceError("invalid-body", "There is no event in the body.", { field: "body" });
  if (events.length > PUBLISH_MAX_EVENTS) {
    throw new ServiceError("invalid-body", `At most ${PUBLISH_MAX_EVENTS} events in one publish.`, {
      field: "body",
    });
  }
  return events.map(({ type, data }) => ({ type, data: JSON.stringify(data) }));
}

function parseLines(text: string): unknown[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (cause) {
      throw new ServiceError(
        "invalid-line",
        `Line ${index + 1} is not JSON. Nothing of the body is in.`,
        { extra: { line: index + 1 }, cause },
      );
    }
  });
}
