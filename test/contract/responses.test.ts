import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import { freePort } from "../support/net.ts";
import { startTestService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";
import { CALLS, COMPLETION, LIMITS, UNREACHABLE_CALLS } from "./support-calls.ts";
import { UI_CHAT } from "./support-chat-calls.ts";
import { type Call, Exercise, NDJSON, SSE, TEXT, titleOf } from "./support-exercise.ts";
import { handshake } from "./support-handshake.ts";
import { FULL_CALLS, LIMITED_CALLS } from "./support-stream-calls.ts";

const exercise = new Exercise();
const uiBody = (text: string): string =>
  JSON.stringify({ message: { role: "user", parts: [{ type: "text", text }] } });
let service: Service;

beforeAll(async () => {
  service = await startTestService(LIMITS);
  const seed = (call: Omit<Call, "status">) => exercise.call(service.url, { ...call, status: 201 });
  await seed({
    operation: "publishStatus",
    path: { name: "web-1" },
    body: '{"phase":"Running","ready":3}',
  });
  await seed({ operation: "ingestLogs", path: { name: "web-1" }, body: "GET /api 200 12ms\n" });
  await seed({ operation: "publishNotification", body: '{"to":"all","title":"Hi"}' });
  await seed({
    operation: "publishEvents",
    path: { topic: "app:orders" },
    body: '{"type":"order.created","data":{}}',
  });
});

afterAll(() => service[Symbol.asyncDispose]());

describe("every answer of the service is as the document says", () => {
  it.each(CALLS.map((call) => [titleOf(call), call] as const))("%s", async (_, call) => {
    await exercise.call(service.url, call);
  });

  it.each([
    ["publishStatus", { name: "web-1" }, '{"phase":"A"}', '{"phase":"B"}'],
    ["publishNotification", {}, '{"to":"all","title":"A"}', '{"to":"all","title":"B"}'],
    ["publishEvents", { topic: "app:orders" }, '{"type":"a","data":1}', '{"type":"a","data":2}'],
    ["startChat", {}, '{"prompt":"a","stream":false}', '{"prompt":"b","stream":false}'],
    ["startUiChat", {}, uiBody("a"), uiBody("b")],
    [
      "createCompletion",
      {},
      '{"messages":[{"role":"user","content":"a"}]}',
      '{"messages":[{"role":"user","content":"b"}]}',
    ],
  ])(
    "%s repeats an answer under its key, and refuses another body",
    async (id, path, body, other) => {
      const headers = { "idempotency-key": `once-${id}` };
      const status = id.startsWith("start") || id === "createCompletion" ? 200 : 201;
      const call = { operation: id, path, headers, status };
      const first = await exercise.call(service.url, { ...call, body });
      expect((await exercise.call(service.url, { ...call, body })).text).toBe(first.text);
      await exercise.call(service.url, {
        ...call,
        body: other,
        status: 422,
        code: "idempotency-mismatch",
      });
    },
  );

  it.each([
    ["streamStatus", { name: "web-1" }, ""],
    ["streamLogs", { name: "web-1" }, ""],
    ["streamNotifications", {}, "user=bob&channel=ops&"],
    ["streamEvents", {}, "topic=app:orders&topic=status:web-1&"],
  ])("%s answers 204 to whoever has seen all and does not follow", async (id, path, query) => {
    const call = { operation: id, path, query: `${query}follow=false&from=earliest&format=ndjson` };
    const { items } = await exercise.call(service.url, { ...call, status: 200 });
    const { id: cursor } = items.findLast((item) => (item as { id?: string }).id) as { id: string };
    await exercise.call(service.url, {
      ...call,
      headers: { "last-event-id": cursor },
      status: 204,
    });
    const shown = `${query}follow=false&last_event_id=${encodeURIComponent(cursor)}`;
    await exercise.call(service.url, { ...call, query: shown, status: 204 });
  });

  it("a generation can be read, resumed and stopped by its id", async () => {
    const { headers, items } = await exercise.call(service.url, {
      operation: "startChat",
      headers: { "idempotency-key": "resumable" },
      body: '{"prompt":"one two three"}',
      status: 200,
    });
    const generation = headers.get("x-generation-id")!;
    expect(headers.get("content-location")).toBe(`/api/v1/ai/chat/${generation}`);
    const of = (call: Omit<Call, "path">) =>
      exercise.call(service.url, { ...call, path: { generation } });
    await of({ operation: "getGeneration", status: 200 });
    await of({ operation: "stopGeneration", status: 200 });
    await of({ operation: "streamGeneration", headers: { accept: SSE }, status: 200, media: SSE });
    const whole = await of({ operation: "streamGeneration", status: 200, media: NDJSON });
    // Who comes late gets adjacent tokens in one.
    const said = (tokens: readonly unknown[]): string =>
      tokens.map((item) => (item as { token?: string }).token ?? "").join("");
    expect(said(whole.items)).toBe(said(items));
    expect(whole.items.at(-1)).toEqual(items.at(-1));
    const plain = { headers: { accept: "text/plain" }, status: 200, media: TEXT };
    expect((await of({ operation: "streamGeneration", ...plain })).text).toBe(said(items));
    const ids = items.map((item) => (item as { id: string }).id);
    const rest = await of({
      operation: "streamGeneration",
      query: `last_event_id=${ids[0]}`,
      status: 200,
    });
    expect(rest.items).toEqual(items.slice(1));
    await of({
      operation: "streamGeneration",
      headers: { "last-event-id": ids.at(-1)! },
      status: 204,
    });
    const again = await exercise.call(service.url, {
      operation: "startChat",
      headers: { "idempotency-key": "resumable", "last-event-id": ids[0]! },
      body: '{"prompt":"one two three"}',
      status: 200,
    });
    expect(again.items).toEqual(items.slice(1));
  });

  it("an answer that was given up is told of as such under its key", async () => {
    const call = {
      operation: "createCompletion",
      headers: { "idempotency-key": "given-up" },
      body: '{"stream":true,"messages":[{"role":"user","content":"#!demo tokens=2 stall"}]}',
    };
    await using hasty = await startTestService({ CHAT_ABANDON_AFTER: "10ms" });
    const { headers } = await exercise.call(hasty.url, { ...call, status: 200, until: '" 2"' });
    const snapshot = `${hasty.url}/api/v1/ai/chat/${headers.get("x-generation-id")}`;
    await eventually(async () => (await (await fetch(snapshot)).text()).includes("abandoned"));
    await exercise.call(hasty.url, { ...call, status: 410, code: "abandoned" });
  });

  it("a deleted Wukong is gone, and its streams end", async () => {
    await exercise.call(service.url, {
      operation: "publishStatus",
      path: { name: "web-2" },
      body: '{"phase":"A"}',
      status: 201,
    });
    const open = exercise.call(service.url, {
      operation: "streamStatus",
      path: { name: "web-2" },
      status: 200,
      until: "event: closed",
    });
    await exercise.call(service.url, {
      operation: "deleteWukong",
      path: { name: "web-2" },
      status: 204,
    });
    for (const id of ["streamStatus", "streamLogs"]) {
      await exercise.call(service.url, {
        operation: id,
        path: { name: "web-2" },
        status: 404,
        code: "not-found",
        field: "name",
      });
    }
    await open;
  });

  it("the console opens, and refuses with a problem", async () => {
    for (const path of [
      "/ws/wukong/web-1",
      "/ws/wukong/WEB",
      "/ws/wukong/web-1?last_event_id=garbage",
    ])
      await handshake(exercise, service.url, path);
    await handshake(exercise, service.url, "/ws/wukong/web-1", {
      origin: "https://elsewhere.example",
    });
  });
});

describe("in trouble", () => {
  it("a full service tells an EventSource to come back, and everybody else when", async () => {
    await using full = await startTestService({ MAX_CONNECTIONS: "1", ADMISSION_TIMEOUT: "20ms" });
    const stay = new AbortController();
    await fetch(`${full.url}/api/v1/events?topic=app:orders`, { signal: stay.signal });
    const { connections } = (await (await fetch(`${full.url}/api/v1/connections`)).json()) as {
      connections: { id: string }[];
    };
    for (const call of FULL_CALLS) await exercise.call(full.url, call);
    const { headers, text } = await exercise.call(full.url, {
      operation: "startChat",
      body: '{"prompt":"a"}',
      status: 503,
      code: "overloaded",
    });
    expect([Number(headers.get("retry-after")) > 0, text]).toEqual([
      true,
      expect.stringContaining('"retryable":true'),
    ]);
    await exercise.call(full.url, {
      operation: "closeConnection",
      path: { id: connections[0]!.id },
      status: 204,
    });
    stay.abort();
  });

  it("a service with as many answers as it takes refuses another, read or not, in every shape", async () => {
    await using full = await startTestService({ CHAT_MAX_GENERATIONS: "1", AI_DEMO_DELAY: "1s" });
    const headers = { prefer: "respond-async" };
    const body = '{"prompt":"a b c d e f g h i j"}';
    await exercise.call(full.url, { operation: "startChat", headers, body, status: 202 });
    const full503 = { status: 503, code: "overloaded" };
    for (const call of [
      { operation: "startChat", headers, body },
      { operation: "startChat", headers: { accept: SSE }, body },
      UI_CHAT,
      COMPLETION,
    ]) {
      const answer = await exercise.call(full.url, { ...call, ...full503 });
      expect(answer.headers.get("retry-after")).toBe("5");
    }
  });

  it("a caller who has reached a limit of its own is told so, an EventSource in band", async () => {
    await using limited = await startTestService({ MAX_CONNECTIONS_PER_PRINCIPAL: "1" });
    const stay = new AbortController();
    await fetch(`${limited.url}/api/v1/events?topic=app:orders&user=ada`, { signal: stay.signal });
    const answer = await exercise.call(limited.url, {
      operation: "startChat",
      body: '{"prompt":"a","stream":false}',
      status: 200,
    });
    const generation = answer.headers.get("x-generation-id")!;
    const again: Call = {
      operation: "streamGeneration",
      path: { generation },
      query: "user=ada",
      status: 429,
      code: "rate-limited",
    };
    const ui = { query: "user=ada", status: 429, code: "rate-limited" };
    const calls = [
      ...LIMITED_CALLS,
      again,
      { ...again, operation: "streamUiChat", path: { chatId: generation } },
      { ...UI_CHAT, ...ui },
    ];
    for (const call of calls) {
      const { headers, text } = await exercise.call(limited.url, call);
      if (call.status === 429) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
      else expect(text).toContain('{"reason":"rate-limited","reconnect":true}');
    }
    stay.abort();
  });

  it("without Redis streams open and wait, and a write is told that its outcome is unknown", async () => {
    await using cut = await startTestService({
      REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
    });
    for (const call of UNREACHABLE_CALLS) await exercise.call(cut.url, call);
  });
});

it("all that the document promises has been seen", () => {
  // Nothing in the service's power provokes a fault of its own, and an upload may pause for ten minutes.
  expect(
    exercise.missing((id, status) => status === "500" || (id === "ingestLogs" && status === "408")),
  ).toEqual([]);
});
