import { describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { RawClient } from "../support/raw-http.ts";
import { isLive, readWithEventSource } from "../support/readers.ts";
import { startTestService } from "../support/service.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const sse = { accept: "text/event-stream" };

describe("connections", () => {
  it(
    "are told apart from dead ones by heartbeats: a comment line, or an event where filtered events have moved the cursor",
    verifies("heartbeats"),
    async () => {
      await using service = await startTestService({ HEARTBEAT_INTERVAL: "100ms" });
      const api = apiOf(service.url);
      using plain = new RawClient(service.url).get("/api/v1/wukongs/web-1/stream", sse);
      using filtered = new RawClient(service.url).get(
        "/api/v1/wukongs/web-1/logs?level=error",
        sse,
      );
      await Promise.all([plain.until("event: live"), filtered.until("event: live")]);
      await api.post("/api/v1/wukongs/web-1/logs", '{"level":"info","message":"quiet"}\n', {
        "content-type": "application/x-ndjson",
      });
      await plain.until("4\r\n:hb\n\r\n");
      const text = await filtered.until("event: heartbeat");
      expect(text).toMatch(/id: (x\w+\.\d+-1)\nevent: heartbeat\ndata: \{\}\n\n/);
      expect(text).not.toContain("quiet");
      const cursor = /id: (x\w+\.\d+-1)\nevent: heartbeat/.exec(text)![1]!;
      const rest = await fetch(
        api.url(`/api/v1/wukongs/web-1/logs?format=ndjson&follow=false&last_event_id=${cursor}`),
      );
      expect(rest.status).toBe(204);
    },
  );

  it(
    "end at their maximum age, are told when to come back, and miss nothing",
    verifies("max-age"),
    async () => {
      await using service = await startTestService({
        MAX_CONNECTION_AGE: "300ms",
        HEARTBEAT_INTERVAL: "200ms",
      });
      const api = apiOf(service.url);
      using source = readWithEventSource(`${service.url}/api/v1/events?topic=app:aged`, ["tick"]);
      await isLive(source);
      await api.publish("app:aged", { type: "tick", data: 1 });
      await eventually(() => source.controls.some(({ type }) => type === "closed"));
      expect(source.controls.find(({ type }) => type === "closed")!.data).toEqual({
        reason: "max-age",
        reconnect: true,
      });
      await api.publish("app:aged", { type: "tick", data: 2 });
      await eventually(() => source.received.length === 2, {
        what: "both events over two connections",
      });
      expect(source.connections).toBeGreaterThanOrEqual(2);
    },
  );

  it("that take nothing are let go", verifies("stalls"), async () => {
    await using service = await startTestService({ STALL_TIMEOUT: "400ms" });
    const api = apiOf(service.url);
    using deaf = new RawClient(service.url).get("/api/v1/events?topic=app:stall", sse);
    await deaf.until("event: live");
    deaf.socket.pause();
    const text = "x".repeat(200_000);
    await eventually(async () => {
      await api.publish("app:stall", { type: "tick", data: text });
      return (await api.metric('streaming_closes_total{reason="stalled"}')) === 1;
    });
    expect((await api.json("/api/v1/connections"))["connections"]).toEqual([]);
  });

  it("are listed and closed by operators", verifies("connections"), async () => {
    await using service = await startTestService();
    const api = apiOf(service.url);
    using client = new RawClient(service.url).get("/api/v1/wukongs/web-1/stream?user=ada", sse);
    await client.until("event: live");
    const { connections } = (await api.json("/api/v1/connections")) as {
      connections: Record<string, unknown>[];
    };
    expect(connections).toEqual([
      {
        id: expect.stringMatching(/^[\w-]{12}$/) as string,
        transport: "sse",
        principal: "ada",
        address: "127.0.0.1",
        topics: ["status:web-1"],
        connectedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
        bytes: expect.any(Number) as number,
        state: "open",
      },
    ]);
    const path = `/api/v1/connections/${String(connections[0]!["id"])}`;
    expect((await fetch(api.url(path), { method: "DELETE" })).status).toBe(204);
    const text = await client.until("event: closed");
    expect(text).toMatch(
      /retry: \d+\nevent: closed\ndata: \{"reason":"kicked","reconnect":true\}\n\n/,
    );
    await client.until("0\r\n\r\n");
    expect((await fetch(api.url(path), { method: "DELETE" })).status).toBe(404);
  });
});

describe("a SIGTERM", () => {
  it(
    "tells every client to come back, within the window, and ends the process by itself",
    verifies("shutdown"),
    async () => {
      await using service = await ServiceProcess.start({ DRAIN_WINDOW: "2s" });
      const clients = Array.from({ length: 40 }, (_, i) =>
        new RawClient(service.url).get(
          `/api/v1/wukongs/web-${i}/${i % 2 ? "stream" : "logs?format=ndjson"}`,
          i % 2 ? sse : {},
        ),
      );
      await Promise.all(clients.map((client) => client.until(/event: live|"type":"live"/)));
      const socket = new (await import("ws")).WebSocket(
        `${service.url.replace("http", "ws")}/ws/wukong/web-1`,
      );
      const closed = new Promise<number>((resolve) => socket.on("close", resolve));
      await new Promise((resolve) => socket.once("message", resolve));
      using waiting = new RawClient(service.url);
      waiting.get("/livez");
      await waiting.until("ok");
      expect(await service.stop("SIGTERM")).toBe(0);
      for (const client of clients) {
        await eventually(() => client.ended);
        expect(client.text).toMatch(/"reason":"drain","reconnect":true/);
        expect(client.text.endsWith("0\r\n\r\n")).toBe(true);
      }
      expect(await closed).toBe(1012);
      expect(service.output).toContain("bye");
    },
  );

  it("on an upload under way tells how much is in", verifies("shutdown", "ingest"), async () => {
    await using service = await ServiceProcess.start({ DRAIN_WINDOW: "1s" });
    using client = new RawClient(service.url);
    client.send(
      "POST /api/v1/wukongs/web-1/logs?progress=true HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\none\n\r\n",
    );
    await client.until('{"lines":1,');
    const stopping = service.stop("SIGTERM");
    await client.until(/"lines":1,.*"error":\{"code":"draining".*"retryable":true/);
    expect(await stopping).toBe(0);
  });
});
