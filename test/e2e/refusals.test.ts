import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { RawClient } from "../support/raw-http.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const sse = { accept: "text/event-stream" };

describe("what cannot be meant is refused, before anything is done", () => {
  it(
    "a cursor of another generation, or from the future; a POST with a cursor and no key",
    verifies("bad-cursor", "chat-idempotent"),
    async () => {
      await using service = await startTestService();
      const api = apiOf(service.url);
      const answer = await api.post("/api/v1/ai/chat", { prompt: "a b c" });
      await answer.text();
      const stream = api.url(`/api/v1/ai/chat/${answer.headers.get("x-generation-id")}/stream`);
      for (const cursor of ["1-1", "9999999999999-99", "garbage"]) {
        const refused = await fetch(stream, { headers: { ...sse, "last-event-id": cursor } });
        expect(refused.status).toBe(400);
        expect(await refused.json()).toMatchObject({ field: "Last-Event-ID" });
        expect((await fetch(`${stream}?lastEventId=${cursor}`)).status).toBe(400);
      }
      const before = await api.metric('streaming_events_published_total{kind="chat"}');
      for (const cursor of ["1-1", "garbage"]) {
        const refused = await api.post(
          "/api/v1/ai/chat",
          { prompt: "again" },
          { "last-event-id": cursor },
        );
        expect(refused.status).toBe(400);
      }
      expect(await api.metric('streaming_events_published_total{kind="chat"}')).toBe(before);
    },
  );

  it("a parameter that is not known, or given twice", verifies("logs"), async () => {
    await using service = await startTestService();
    for (const [query, field] of [
      ["lvel=error", "lvel"],
      ["tail=1&tail=2", "tail"],
      ["tail=1&since=5m", "since"],
      ["tail=20000", "tail"],
      ["follow=maybe", "follow"],
      ["grep=", "grep"],
    ] as const) {
      const refused = await fetch(`${service.url}/api/v1/wukongs/web-1/logs?${query}`);
      expect(refused.status, query).toBe(400);
      expect(await refused.json()).toMatchObject({ code: "invalid-parameter", field });
    }
  });

  it(
    "JSON that is nested deeper than 100 levels, wherever it is handed in",
    verifies("json-depth"),
    async () => {
      await using service = await startTestService();
      const send = async (
        method: string,
        path: string,
        body: string,
        type = "application/json",
      ) => {
        const headers = { "content-type": type };
        const answer = await fetch(`${service.url}${path}`, { method, headers, body });
        return { status: answer.status, problem: (await answer.json()) as Record<string, unknown> };
      };
      /** So many levels of arrays. */
      const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
      const event = (levels: number): string => `{"type":"t","data":${nested(levels - 1)}}`;
      const [NDJSON, EVENTS] = ["application/x-ndjson", "/api/v1/topics/app:a/events"];
      const notification = (levels: number): string =>
        `{"to":"all","title":"t","data":${nested(levels - 1)}}`;
      const status = (levels: number): string => `{"phase":"Running","a":${nested(levels - 1)}}`;
      const line = (levels: number): string =>
        `{"message":"m","fields":{"a":${nested(levels - 2)}}}`;
      const log = "/api/v1/wukongs/w/logs";
      for (const levels of [101, 2_000, 4_000, 100_000]) {
        const refused = { code: "invalid-body", retryable: false };
        const answers = {
          data: [
            await send("POST", EVENTS, event(levels)),
            await send("POST", "/api/v1/notifications", notification(levels)),
          ],
          a: [await send("PUT", "/api/v1/wukongs/w/status", status(levels))],
          prompt: [await send("POST", "/api/v1/ai/chat", `{"prompt":${nested(levels)}}`)],
          "1.data": [await send("POST", EVENTS, `[${event(2)},${event(levels)}]`)],
          "line 2.data": [await send("POST", EVENTS, `${event(2)}\n${event(levels)}\n`, NDJSON)],
        };
        for (const [field, given] of Object.entries(answers)) {
          for (const { status, problem } of given) {
            expect([status, problem], `${field} ${levels}`).toMatchObject([
              400,
              { ...refused, field },
            ]);
            expect(problem["detail"]).toMatch(/nested too deeply: at most 100 levels/);
          }
        }
        const { status: code, problem } = await send("POST", log, line(levels), NDJSON);
        expect([code, problem]).toMatchObject([400, { code: "invalid-line", line: 1, lines: 0 }]);
        expect(problem["detail"]).toMatch(/fields is nested too deeply: at most 100 levels/);
      }
      expect((await send("POST", EVENTS, event(100))).status).toBe(201);
      expect((await send("PUT", "/api/v1/wukongs/w/status", status(100))).status).toBe(201);
      expect((await send("POST", log, line(100), NDJSON)).status).toBe(201);
      expect((await send("POST", "/api/v1/notifications", notification(100))).status).toBe(201);
    },
  );

  it(
    "a method or a path that is not there: 405 with Allow, 404, 426",
    verifies("http-traps"),
    async () => {
      await using service = await startTestService();
      const patch = await fetch(`${service.url}/livez`, { method: "PATCH" });
      expect([patch.status, patch.headers.get("allow")]).toEqual([405, "GET"]);
      expect((await fetch(`${service.url}/api/v1/wukongs/`)).status).toBe(404);
      const plain = await fetch(`${service.url}/ws/wukong/web-1`);
      expect([plain.status, plain.headers.get("upgrade")]).toEqual([426, "websocket"]);
    },
  );

  it("the console of a deleted Wukong", verifies("console", "wukongs"), async () => {
    await using service = await startTestService();
    const api = apiOf(service.url);
    await api.status("gone", { phase: "Running" });
    await fetch(api.url("/api/v1/wukongs/gone"), { method: "DELETE" });
    using client = new RawClient(service.url).get("/ws/wukong/gone", {
      connection: "upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    });
    await client.until(/HTTP\/1\.1 404 Not Found/);
  });
});

describe("a refusal leaves nothing behind", () => {
  it("a full server asks no model", verifies("full-server", "chat"), async () => {
    await using service = await startTestService({
      MAX_CONNECTIONS: "1",
      ADMISSION_TIMEOUT: "20ms",
    });
    const api = apiOf(service.url);
    using holder = new RawClient(service.url).get("/api/v1/wukongs/web-1/stream", sse);
    await holder.until("event: live");
    expect((await api.post("/api/v1/ai/chat", { prompt: "a" })).status).toBe(503);
    expect(await api.metric('streaming_events_published_total{kind="chat"}')).toBe(0);
    const stream = await fetch(api.url("/api/v1/ai/chat/gen-1/stream"), { headers: sse });
    expect(stream.status).toBe(404);
  });

  it(
    "a refused upgrade is hung up on, though its client holds on",
    verifies("console", "shutdown"),
    async () => {
      await using service = await startTestService();
      const socket = connect({ port: service.port, host: "127.0.0.1", allowHalfOpen: true });
      socket.write(
        "GET /ws/other HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
      );
      socket.resume();
      await once(socket, "end");
      const stopped = service.stop(0).then(() => "stopped");
      expect(await Promise.race([stopped, delay(5_000, "hangs", { ref: false })])).toBe("stopped");
      socket.destroy();
    },
  );

  it("a moment before the epoch is as good as the earliest", verifies("logs"), async () => {
    await using redis = await TestRedis.start();
    await using service = await startTestService({ REDIS_URL: redis.url });
    const api = apiOf(service.url);
    await api.publish("app:old", { type: "tick", data: 1 });
    for (const since of ["1960-01-01T00:00:00Z", "999999d"]) {
      const answer = await fetch(
        api.url(`/api/v1/events?topic=app:old&format=ndjson&follow=false&since=${since}`),
      );
      expect(await answer.text()).toContain('"tick"');
    }
  });

  it(
    "an answer whose history is gone does not go on as a shorter one",
    verifies("chat-unfinished", "gaps"),
    async () => {
      await using redis = await TestRedis.start();
      await using service = await startTestService({ REDIS_URL: redis.url, AI_DEMO_DELAY: "20ms" });
      const api = apiOf(service.url);
      await eventually(async () => (await fetch(api.url("/readyz"))).ok);
      const answer = await api.post("/api/v1/ai/chat", { prompt: "word ".repeat(200) });
      const generation = answer.headers.get("x-generation-id")!;
      const reading = answer.text().then(
        () => "ended cleanly",
        () => "cut",
      );
      await eventually(
        async () => String((await api.json(`/api/v1/ai/chat/${generation}`))["text"]).length > 20,
      );
      await redis.command("FLUSHALL");
      await eventually(
        async () =>
          (await api.metric(
            'streaming_chat_generations_ended_total{state="failed",model="demo"}',
          )) === 1,
      );
      expect((await fetch(api.url(`/api/v1/ai/chat/${generation}/stream`))).status).toBe(404);
      // Whoever is connected waits for what may come back, and is cut when the process goes.
      await service.stop(0);
      expect(await reading).toBe("cut");
    },
  );
});

describe("an EventSource", () => {
  it(
    "gets an open stream, and no error, while Redis is away, whatever it shows",
    verifies("outage"),
    async () => {
      await using redis = await TestRedis.start();
      await using service = await startTestService({ REDIS_URL: redis.url });
      await eventually(async () => (await fetch(`${service.url}/readyz`)).ok);
      await redis.kill();
      const paths = [
        "/api/v1/wukongs/web-1/stream?follow=false",
        "/api/v1/wukongs/web-1/logs",
        "/api/v1/ai/chat/gen-1/stream",
      ];
      for (const path of paths) {
        using client = new RawClient(service.url).get(path, { ...sse, "last-event-id": "1-1" });
        const head = await client.until("\r\n\r\n");
        expect(head, path).toMatch(/^HTTP\/1\.1 200 OK/);
        expect(client.ended).toBe(false);
      }
    },
  );

  it(
    "that comes to a draining server is told to come back",
    verifies("shutdown", "full-server"),
    async () => {
      await using service = await startTestService();
      const api = apiOf(service.url);
      using staying = new RawClient(service.url).get("/api/v1/wukongs/web-1/stream", sse);
      await staying.until("event: live");
      using late = new RawClient(service.url).get("/livez");
      await late.until("ok");
      // A chat that takes its time holds the drain open.
      await api.post("/api/v1/ai/chat", { prompt: "word ".repeat(2_000) });
      const stopping = service.stop(1_500);
      await staying.until('"reason":"drain"');
      late.get("/readyz").get("/api/v1/wukongs/web-1/stream", sse);
      await late.until('"status":"draining"');
      await late.until(/retry: \d+\nevent: closed\ndata: \{"reason":"drain","reconnect":true\}/);
      await stopping;
    },
  );
});
