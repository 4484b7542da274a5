import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { accepts } from "hono/accepts";
import { ServiceError } from "../errors.ts";
import { logsTopic, statusTopic } from "../log/topic.ts";
import { statusSchema } from "../wire/publish.ts";
import { ingestQuerySchema, logQuerySchema, streamQuerySchema } from "../wire/stream-query.ts";
import { createLogFilter } from "../wukongs/log-filter.ts";
import type { LogIngest } from "../wukongs/log-ingest.ts";
import type { WukongDirectory, WukongEntry } from "../wukongs/wukong-directory.ts";
import { type BodyLimits, readJson } from "./body.ts";
import { answerIngest } from "./ingest.ts";
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

export interface WukongServices extends TopicStreamServices {
  readonly wukongs: WukongDirectory;
  readonly ingest: LogIngest;
  readonly limits: BodyLimits;
  readonly drainSignal: AbortSignal;
}

/** `/api/v1/wukongs`: the platform's workloads, their status and their logs. */
export function wukongRoutes(services: WukongServices): Hono<AppEnvironment> {
  const { wukongs, limits } = services;
  const principal = (c: AppContext) => principalOf(c.req.query("user"));
  return new Hono<AppEnvironment>()
    .get("/", async (c) => listWukongs(c, wukongs))
    .get("/:name", async (c) => {
      const name = c.req.param("name");
      const entry = await wukongs.find(name);
      if (!entry)
        throw new ServiceError("not-found", `There is no Wukong ${name}.`, { field: "name" });
      return c.json(documentOf(entry));
    })
    .delete("/:name", async (c) => {
      await wukongs.delete(c.req.param("name"));
      return c.body(null, 204);
    })
    .put("/:name/status", async (c) => {
      const name = c.req.param("name");
      statusTopic(name);
      const context = { principal: principal(c), idempotencyKey: idempotencyKeyOf(c) };
      const status = await readJson(incomingOf(c), limits, statusSchema);
      const id = await wukongs.publishStatus(name, status, context);
      return c.json({ events: [{ id }] }, 201);
    })
    .get("/:name/stream", async (c) => {
      const name = c.req.param("name");
      const topic = statusTopic(name);
      const query = parseQuery(queryOf(c), streamQuerySchema);
      await refuseDeleted(wukongs, name);
      return topicStream(c, services, {
        topics: [topic],
        query,
        principal: principal(c),
        kind: "plain",
      });
    })
    .post("/:name/logs", async (c) => {
      const name = c.req.param("name");
      logsTopic(name);
      const context = { principal: principal(c), idempotencyKey: idempotencyKeyOf(c) };
      const { progress: live } = parseQuery(queryOf(c), ingestQuerySchema);
      await wukongs.revive(name);
      await answerIngest(c, services, { name, live, ...context });
      return RESPONSE_ALREADY_SENT;
    })
    .get("/:name/logs", async (c) => {
      const name = c.req.param("name");
      const topic = logsTopic(name);
      const query = parseQuery(queryOf(c), logQuerySchema, ["grep", "not"]);
      const filter = createLogFilter(query);
      await refuseDeleted(wukongs, name);
      return topicStream(c, services, {
        topics: [topic],
        query,
        principal: principal(c),
        filter,
        overflow: query.overflow,
        kind: "logs",
      });
    });
}

/** Trouble with the store is no reason to refuse: the stream opens and waits. */
export async function refuseDeleted(wukongs: WukongDirectory, name: string): Promise<void> {
  const deleted = await wukongs.wasDeleted(name).catch(() => false);
  if (deleted)
    throw new ServiceError("not-found", `The Wukong ${name} has been deleted.`, { field: "name" });
}

function documentOf({ name, latest }: WukongEntry): object {
  return {
    name,
    id: latest.id,
    time: latest.position.ms,
    status: JSON.parse(latest.data) as object,
  };
}

/** Written as it is read, so that ten thousand of them need no more memory than a page. */
async function listWukongs(c: AppContext, wukongs: WukongDirectory): Promise<Response> {
  const accepted = accepts(c, {
    header: "Accept",
    supports: ["application/json", "application/x-ndjson"],
    default: "application/json",
  });
  const ndjson = accepted === "application/x-ndjson";
  const pages = wukongs.pages();
  // The first page before the head: trouble below still gets its status.
  const first = await pages.next();
  const texts = ndjson ? ndjsonTexts(first, pages) : jsonTexts(first, pages);
  return c.body(ReadableStream.from(texts) as ReadableStream, 200, {
    "content-type": accepted,
    vary: "Accept",
  });
}

type Pages = AsyncGenerator<WukongEntry[]>;
const encoder = new TextEncoder();

async function* entriesOf(
  first: IteratorResult<WukongEntry[]>,
  pages: Pages,
): AsyncGenerator<string[]> {
  for (let page = first; !page.done; page = await pages.next()) {
    yield page.value.map((entry) => JSON.stringify(documentOf(entry)));
  }
}

async function* ndjsonTexts(
  first: IteratorResult<WukongEntry[]>,
  pages: Pages,
): AsyncGenerator<Uint8Array> {
  for await (const entries of entriesOf(first, pages))
    yield encoder.encode(entries.map((entry) => `${entry}\n`).join(""));
}

async function* jsonTexts(
  first: IteratorResult<WukongEntry[]>,
  pages: Pages,
): AsyncGenerator<Uint8Array> {
  let separator = '{"wukongs":[';
  for await (const entries of entriesOf(first, pages)) {
    if (entries.length === 0) continue;
    yield encoder.encode(separator + entries.join(","));
    separator = ",";
  }
  yield encoder.encode(separator === "," ? "]}" : `${separator}]}`);
}
