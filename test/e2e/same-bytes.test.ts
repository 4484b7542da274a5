import { afterAll, beforeAll, describe, expect, it } from "vitest";
import fc from "fast-check";
import { createParser } from "eventsource-parser";
import { WebSocket } from "ws";
import { createBackend } from "../../src/backend.ts";
import { DisposalStack } from "../../src/disposal.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { formatPosition, ORIGIN } from "../../src/log/position.ts";
import { statusTopic } from "../../src/log/topic.ts";
import type { Service } from "../../src/service.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService, testConfig } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

/** JSON texts as other writers make them: numbers beyond a double, escapes that need not be, white space anywhere. */
const space = fc.constantFrom("", "", "", " ", "\t", "  ", "\n", "\r\n");
const number = fc.constantFrom(
  "0",
  "-0",
  "1e400",
  "12345678901234567890",
  "0.10",
  "1E-7",
  "-1.50e+3",
);
const text = fc
  .array(
    fc.constantFrom(
      "a",
      "é",
      "你",
      "😀",
      "\u2028",
      "\u0085",
      "\\u0041",
      "\\ud83d",
      "\\/",
      "\\n",
      '\\"',
      ",",
      "data: ",
      "\u007f",
    ),
    { maxLength: 8 },
  )
  .map((parts) => `"${parts.join("")}"`);
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(number, text, fc.constantFrom("true", "false", "null")),
    fc
      .tuple(space, fc.array(tie("json"), { maxLength: 4 }), space)
      .map(([before, items, after]) => `[${before}${items.join(`${after},${before}`)}${after}]`),
    fc
      .tuple(space, fc.array(fc.tuple(text, tie("json")), { maxLength: 4 }), space)
      .map(
        ([gap, members, after]) =>
          `{${gap}${members.map(([name, value]) => `${name}${gap}:${after}${value}`).join(",")}${gap}}`,
      ),
  ),
}));

/** What a line of NDJSON, an element of a document or a message carries as `data`, as text. */
const dataOf = (document: string) => document.slice(document.indexOf('"data":') + 7, -1);

/** The elements of a document's `events`, as text: lines of NDJSON have no line end, and so may not be parsed apart. */
function elementsOf(body: string): string[] {
  const list = body.slice('{"events":['.length, body.lastIndexOf('],"cursor":'));
  return list === "" ? [] : list.split(/,(?=\{"id":"x)/);
}

describe("the same range", () => {
  let redis: TestRedis;
  let service: Service;
  let log: EventLog;
  const stack = new DisposalStack();
  beforeAll(async () => {
    redis = await TestRedis.start();
    const config = { REDIS_URL: redis.url, RETENTION_STATUS: "1000,0" };
    service = await startTestService(config);
    const logger = createLogger({ level: "silent", pretty: false });
    ({ log } = await createBackend(testConfig(config), logger, new Metrics(), stack));
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  it("is the same bytes in every format, over every way in", verifies("bytes"), async () => {
    let serial = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(json, { minLength: 1, maxLength: 12 }), async (texts) => {
        const name = `same-${++serial}`;
        await log.append(
          statusTopic(name),
          texts.map((data) => ({ type: "status", data })),
        );
        // Line ends between tokens are spaces on the wire; nothing else is touched.
        const expected = texts.map((data) => data.replaceAll(/[\r\n]+/g, " "));
        const url = `${service.url}/api/v1/wukongs/${name}/stream?from=earliest`;
        const read = async (query: string) => (await fetch(`${url}&${query}`)).text();

        const sse: { id: string; data: string }[] = [];
        const parser = createParser({
          onEvent: ({ event, id, data }) => {
            if (event === "status") sse.push({ id: id!, data });
          },
        });
        parser.feed(await read("follow=false"));
        expect(sse.map(({ data }) => data)).toEqual(expected);

        const lines = (await read("follow=false&format=ndjson"))
          .split("\n")
          .filter((line) => line.includes('"type":"status"'));
        expect(lines.map(dataOf)).toEqual(expected);
        expect(lines.map((line) => /"id":"([^"]+)"/.exec(line)![1])).toEqual(
          sse.map(({ id }) => id),
        );
        expect(elementsOf(await read("format=json"))).toEqual(lines);
        expect(elementsOf(await read("wait=0"))).toEqual(lines);

        const messages: string[] = [];
        const origin = formatPosition(ORIGIN);
        const socket = new WebSocket(
          `${service.url.replace("http", "ws")}/ws/wukong/${name}?last_event_id=${origin}`,
        );
        socket.on("message", (data: Buffer) => messages.push(data.toString("utf8")));
        await eventually(() => messages.some((message) => message.startsWith('{"type":"live"')));
        socket.terminate();
        const statuses = messages.filter((message) => message.startsWith('{"type":"status"'));
        expect(statuses.map(dataOf)).toEqual(expected);
      }),
      { numRuns: Number(process.env["PROPERTY_RUNS"] ?? 40) },
    );
  });

  it(
    "is the same bytes to who reads it live and who reads it later",
    verifies("bytes"),
    async () => {
      const url = `${service.url}/api/v1/wukongs/live/stream`;
      const leave = new AbortController();
      const response = await fetch(`${url}?format=ndjson&from=latest`, { signal: leave.signal });
      let live = "";
      const reading = (async () => {
        for await (const piece of response.body!.pipeThrough(new TextDecoderStream()))
          live += piece;
      })().catch(() => undefined);
      await eventually(() => live.includes('"live"'));
      const poll = fetch(`${url}?wait=20s&from=latest`).then((answer) => answer.text());
      await eventually(async () => {
        const answer = await fetch(`${service.url}/api/v1/connections`);
        const list = (await answer.json()) as {
          connections: { transport: string; state: string }[];
        };
        return list.connections.some(
          (each) => each.transport === "long-poll" && each.state === "open",
        );
      });
      const data = fc.sample(json, { numRuns: 20, seed: 7 });
      await log.append(
        statusTopic("live"),
        data.map((each) => ({ type: "status", data: each })),
      );
      const linesOf = (body: string) =>
        body.split("\n").filter((line) => line.includes('"type":"status"'));
      await eventually(() => linesOf(live).length === 20);
      leave.abort();
      await reading;
      const later = await fetch(`${url}?format=ndjson&from=earliest&follow=false`);
      expect(linesOf(await later.text())).toEqual(linesOf(live));
      expect(elementsOf(await poll)).toEqual(linesOf(live));
    },
  );
});
