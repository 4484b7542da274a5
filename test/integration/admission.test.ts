import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { apiOf } from "../support/api.ts";
import { RawClient } from "../support/raw-http.ts";
import { readWithEventSource } from "../support/readers.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const sse = { accept: "text/event-stream" };
const stream = "/api/v1/events?topic=app:a";
const CHAT = JSON.stringify({ prompt: "a b c" });
const POST = `POST /api/v1/ai/chat HTTP/1.1\r\nhost: x\r\ncontent-length: ${CHAT.length}\r\n\r\n${CHAT}`;

/** A service with so many places, all taken, whose queue is seen through its metrics. */
async function fullService(environment: Record<string, string> = {}, places = 1) {
  const service = await startTestService({
    MAX_CONNECTIONS: String(places),
    ADMISSION_TIMEOUT: "20s",
    ...environment,
  });
  const api = apiOf(service.url);
  const holders = Array.from({ length: places }, () => new RawClient(service.url).get(stream, sse));
  await Promise.all(holders.map((holder) => holder.until("event: live")));
  return {
    service,
    api,
    holders,
    get: (path = stream, headers: Record<string, string> = sse, version = "1.1") =>
      new RawClient(service.url).get(path, headers, version),
    console: () => new WebSocket(`${service.url.replace("http", "ws")}/ws/wukong/web-1`),
    waiting: (count: number) =>
      eventually(async () => (await api.metric("streaming_admission_waiting")) === count, {
        what: `${count} waiting`,
      }),
    [Symbol.asyncDispose]: async () => {
      for (const holder of holders) holder[Symbol.dispose]();
      await service[Symbol.asyncDispose]();
    },
  };
}

describe("a newcomer to a full server", () => {
  it(
    "gets the place that becomes free, whoever came first, on every transport",
    verifies("admission"),
    async () => {
      await using full = await fullService();
      using first = full.get();
      await full.waiting(1);
      using second = full.get(stream, { accept: "application/x-ndjson" });
      await full.waiting(2);
      using third = new RawClient(full.service.url).send(POST);
      await full.waiting(3);
      const fourth = full.console();
      const messages: string[] = [];
      fourth.on("message", (data) => messages.push((data as Buffer).toString("utf8")));
      await once(fourth, "open");
      await full.waiting(4);
      fourth.send('{"id":"early","type":"ping"}');
      using fifth = full.get("/api/v1/wukongs/web-1/logs?format=text", {}, "1.0");
      await full.waiting(5);
      expect([first.text, second.text, third.text, messages]).toEqual(["", "", "", []]);
      // Neither a reader nor a model for those who wait.
      expect((await full.api.json("/api/v1/connections"))["connections"]).toHaveLength(1);
      expect(await full.api.metric('streaming_events_published_total{kind="chat"}')).toBe(0);

      full.holders[0]!.socket.destroy();
      await first.until("event: live");
      await full.waiting(4);
      first.socket.destroy();
      await second.until('"live"');
      second.socket.destroy();
      await third.until("[DONE]");
      await eventually(() => messages.some((message) => message.includes('"id":"early"')));
      expect(messages[0]).toContain("connected");
      expect(fifth.text).toBe("");
      fourth.terminate();
      await fifth.until("HTTP/1.1 200");
      await full.waiting(0);
    },
  );

  it(
    "is sent away when it has waited long enough, in the words of its transport",
    verifies("admission", "full-server"),
    async () => {
      await using full = await fullService({ ADMISSION_TIMEOUT: "150ms" });
      const socket = full.console();
      const closed = once(socket, "close") as Promise<[number, Buffer]>;
      using events = full.get();
      using lines = full.get(stream, { accept: "application/x-ndjson" });
      using chat = new RawClient(full.service.url).send(POST);
      using old = full.get(stream, sse, "1.0");
      await events.until(
        /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nretry: \d{4,5}\nevent: closed\ndata: \{"reason":"overloaded","reconnect":true\}\n\n$/,
      );
      await lines.until(/^HTTP\/1\.1 503 [^]*retry-after: \d+\r\n[^]*"code":"overloaded"/i);
      await chat.until(/^HTTP\/1\.1 503 [^]*retry-after: \d+\r\n[^]*"code":"overloaded"/i);
      await old.until(/^HTTP\/1\.1 200 OK\r\n[^]*event: closed\n/);
      await eventually(() => old.ended);
      const [code, words] = await closed;
      expect([code, JSON.parse(words.toString("utf8"))]).toEqual([
        1013,
        { reason: "overloaded", reconnect: true, retryMs: expect.any(Number) as number },
      ]);
      // The connection itself is still good for another request.
      events.text = "";
      events.get("/livez");
      await events.until('{"status":"ok"}');
    },
  );

  it(
    "is refused at once when the queue is full, and an EventSource comes back by itself",
    verifies("admission", "full-server"),
    async () => {
      await using full = await fullService({ ADMISSION_QUEUE: "1", ADMISSION_TIMEOUT: "300ms" });
      using waiting = full.get();
      await full.waiting(1);
      const refused = await fetch(full.service.url + stream);
      expect([refused.status, await refused.json()]).toEqual([
        503,
        expect.objectContaining({ code: "overloaded", retryable: true }),
      ]);
      using source = readWithEventSource(`${full.service.url}${stream}&from=earliest`, ["tick"]);
      await eventually(() => source.controls.some(({ type }) => type === "closed"));
      // Whoever is told in band is counted like whoever gets the status.
      expect(await full.api.metric('streaming_errors_total{code="overloaded"}')).toBe(2);
      waiting.socket.destroy();
      full.holders[0]!.socket.destroy();
      await full.api.publish("app:a", { type: "tick", data: 1 });
      await eventually(() => source.received.length === 1, { timeoutMs: 30_000, what: "a place" });
      expect(source.dead).toBe(false);
    },
  );

  it(
    "that leaves is forgotten at once, by FIN, by RST, and as a WebSocket",
    verifies("admission"),
    async () => {
      await using full = await fullService();
      const clients = [full.get(), full.get(), new RawClient(full.service.url).send(POST)];
      const socket = full.console();
      await once(socket, "open");
      await full.waiting(4);
      clients[0]!.socket.end();
      await full.waiting(3);
      clients[1]!.socket.resetAndDestroy();
      await full.waiting(2);
      clients[2]!.socket.destroy();
      await full.waiting(1);
      socket.close();
      await full.waiting(0);
      const { metric } = full.api;
      expect(await metric('streaming_connections_total{transport="sse",outcome="gone"}')).toBe(2);
      expect(await metric('streaming_events_published_total{kind="chat"}')).toBe(0);
    },
  );

  it("that talks without end while it waits is sent away", verifies("admission"), async () => {
    await using full = await fullService({ ADMISSION_TIMEOUT: "10m" });
    const socket = full.console();
    let code = 0;
    socket.on("close", (given) => (code = given));
    await once(socket, "open");
    // Empty ones, and so few bytes in all that only their number can be too much.
    for (let i = 0; i < 600; i++) socket.send("");
    await eventually(() => code === 1013, { what: "the close" });
    await full.waiting(0);
  });

  it(
    "is told of a shutdown at once, on every transport",
    verifies("admission", "shutdown"),
    async () => {
      await using full = await fullService();
      const socket = full.console();
      const closed = once(socket, "close") as Promise<[number, Buffer]>;
      using events = full.get();
      using lines = full.get(stream, { accept: "application/x-ndjson" });
      await full.waiting(3);
      const stopped = full.service.stop(500);
      await events.until(/event: closed\ndata: \{"reason":"drain","reconnect":true\}/);
      await lines.until(/^HTTP\/1\.1 503 [^]*"code":"draining"/);
      expect((await closed)[0]).toBe(1012);
      await stopped;
    },
  );

  it(
    "is served in its turn, though hundreds come through a few places and some lose patience",
    verifies("admission", "connection-limits"),
    async () => {
      await using service = await startTestService({
        MAX_CONNECTIONS: "4",
        MAX_CONNECTIONS_PER_ADDRESS: "1000",
        MAX_CONNECTIONS_PER_PRINCIPAL: "1000",
        ADMISSION_TIMEOUT: "30s",
      });
      const api = apiOf(service.url);
      await api.publish("app:a", [{ type: "tick", data: 1 }]);
      const clients = Array.from({ length: 300 }, (_, index) =>
        new RawClient(service.url).get(
          `${stream}&from=earliest&follow=false&format=ndjson&user=u${index % 7}`,
        ),
      );
      const impatient = clients.filter((_, index) => index % 10 === 9);
      for (const client of impatient) client.socket.destroy();
      for (const client of clients.filter((candidate) => !impatient.includes(candidate))) {
        const text = await client.until('"reason":"finished"');
        expect(text).toContain('"tick"');
        client.socket.destroy();
      }
      for (const name of ["admission_waiting", 'active_connections{transport="ndjson"}'])
        await eventually(async () => (await api.metric(`streaming_${name}`)) === 0);
      const outcomes = (await (await fetch(api.url("/metrics"))).text()).match(
        /^streaming_connections_total\{.*outcome="([\w-]+)"\} [1-9]/gm,
      );
      expect(outcomes?.join()).not.toMatch(/overloaded|rate-limited/);
    },
  );

  it("is no HEAD, and no plain request", verifies("admission", "http-traps"), async () => {
    await using full = await fullService();
    using client = new RawClient(full.service.url).send(
      `HEAD ${stream} HTTP/1.1\r\nhost: x\r\n\r\n`,
    );
    await client.until("HTTP/1.1 200");
    await full.api.publish("app:a", { type: "tick", data: 1 });
    expect((await fetch(full.api.url("/readyz"))).status).toBe(200);
    await full.waiting(0);
  });
});

describe("a limit of its own", () => {
  it(
    "refuses a principal one connection more, at once, and nobody else",
    verifies("connection-limits"),
    async () => {
      await using service = await startTestService({ MAX_CONNECTIONS_PER_PRINCIPAL: "2" });
      const api = apiOf(service.url);
      const get = (user: string, headers: Record<string, string> = sse) =>
        new RawClient(service.url).get(`${stream}${user && `&user=${user}`}`, headers);
      const held = [get("ada"), get("ada"), get("bob"), get(""), get(""), get("")];
      await Promise.all(held.map((client) => client.until("event: live")));
      using events = get("ada");
      await events.until(
        /^HTTP\/1\.1 200 OK\r\n[^]*retry: \d{4,5}\nevent: closed\ndata: \{"reason":"rate-limited","reconnect":true\}\n\n$/,
      );
      using lines = get("ada", { accept: "application/x-ndjson" });
      await lines.until(/^HTTP\/1\.1 429 [^]*retry-after: \d+\r\n[^]*"code":"rate-limited"/i);
      const socket = new WebSocket(`${service.url.replace("http", "ws")}/ws/wukong/web-1?user=ada`);
      expect(((await once(socket, "close")) as [number])[0]).toBe(1013);
      held[0]!.socket.destroy();
      await eventually(
        async () => (await api.metric('streaming_closes_total{reason="gone"}')) === 1,
      );
      using again = get("ada");
      await again.until("event: live");
      for (const client of held) client[Symbol.dispose]();
    },
  );

  it(
    "refuses an address one connection more, where trusted proxies say whose it is",
    verifies("connection-limits", "client-address"),
    async () => {
      await using service = await startTestService({
        MAX_CONNECTIONS_PER_ADDRESS: "1",
        TRUSTED_PROXIES: "loopback",
      });
      const get = (forwarded: string, headers: Record<string, string> = sse) =>
        new RawClient(service.url).get(stream, { ...headers, "x-forwarded-for": forwarded });
      using first = get("203.0.113.7");
      await first.until("event: live");
      using forged = get("198.51.100.1, 203.0.113.7", { accept: "application/x-ndjson" });
      await forged.until(/^HTTP\/1\.1 429 [^]*"code":"rate-limited"/);
      using other = get("203.0.113.8");
      await other.until("event: live");
      using six = get("2001:db8::1");
      await six.until("event: live");
      using sixteen = get("[2001:DB8::ffff]:4711");
      await sixteen.until('"reason":"rate-limited"');
      const { connections } = (await apiOf(service.url).json("/api/v1/connections")) as {
        connections: { address: string }[];
      };
      expect(connections.map(({ address }) => address)).toEqual([
        "203.0.113.7",
        "203.0.113.8",
        "2001:db8::1",
      ]);
      const socket = new WebSocket(`${service.url.replace("http", "ws")}/ws/wukong/web-1`, {
        headers: { "x-forwarded-for": "203.0.113.8" },
      });
      expect(((await once(socket, "close")) as [number])[0]).toBe(1013);
    },
  );

  it("takes no word of a peer that is not trusted", verifies("client-address"), async () => {
    await using service = await startTestService({
      MAX_CONNECTIONS_PER_ADDRESS: "1",
      TRUSTED_PROXIES: "private",
    });
    using first = new RawClient(service.url).get(stream, { ...sse, "x-forwarded-for": "1.1.1.1" });
    await first.until("event: live");
    using second = new RawClient(service.url).get(stream, { ...sse, "x-forwarded-for": "2.2.2.2" });
    await second.until('"reason":"rate-limited"');
  });

  it("counts a chat document like a stream", verifies("connection-limits", "chat"), async () => {
    await using service = await startTestService({
      MAX_CONNECTIONS_PER_PRINCIPAL: "1",
      AI_DEMO_DELAY: "20ms",
    });
    const api = apiOf(service.url);
    const post = (prompt: string) =>
      api.post("/api/v1/ai/chat?user=ada", { prompt, stream: false });
    const first = post("word ".repeat(20));
    await eventually(
      async () => (await api.metric('streaming_chat_generations{model="demo"}')) === 1,
    );
    expect((await post("a")).status).toBe(429);
    expect((await first).status).toBe(200);
    expect((await post("a")).status).toBe(200);
  });
});
