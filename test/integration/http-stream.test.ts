import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import { apiOf } from "../support/api.ts";
import { RawClient } from "../support/raw-http.ts";
import { startTestService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

describe("a stream on the raw socket", () => {
  let service: Service;
  let api: ReturnType<typeof apiOf>;
  beforeAll(async () => {
    service = await startTestService();
    api = apiOf(service.url);
    await api.status("web-1", { phase: "Running" });
  });
  afterAll(() => service[Symbol.asyncDispose]());
  const open = () =>
    api.json("/api/v1/connections").then(({ connections }) => (connections as unknown[]).length);
  const stream = "/api/v1/wukongs/web-1/stream";

  it(
    "sends the head and connected at once, with the headers that keep proxies from buffering",
    verifies("http-traps"),
    async () => {
      using client = new RawClient(service.url).get(stream, { accept: "text/event-stream" });
      const text = await client.until("event: live");
      const [head, body] = [
        text.slice(0, text.indexOf("\r\n\r\n")).toLowerCase(),
        text.slice(text.indexOf("\r\n\r\n")),
      ];
      for (const header of [
        "content-type: text/event-stream",
        "cache-control: no-cache, no-store, no-transform",
        "x-accel-buffering: no",
        "vary: accept, origin",
        "transfer-encoding: chunked",
        "x-request-id: ",
      ]) {
        expect(head).toContain(header);
      }
      expect(head).not.toContain("connection: close");
      expect(body).toMatch(
        /^\r\n\r\n[0-9a-f]+\r\nretry: 2000\nevent: connected\ndata: \{"message":"connected","connectionId":"[^"]+","topics":\["status:web-1"\],"heartbeatMs":15000\}\n\n\r\n/,
      );
    },
  );

  it("answers HEAD with the head alone and registers nothing", verifies("http-traps"), async () => {
    await eventually(async () => (await open()) === 0);
    using client = new RawClient(service.url);
    client.send(`HEAD ${stream} HTTP/1.1\r\nhost: x\r\n\r\n`).get("/livez");
    const text = await client.until('{"status":"ok"}');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^{]*content-type: text\/event-stream/i);
    expect(text).not.toContain("connected");
    expect(await open()).toBe(0);
  });

  it(
    "speaks HTTP/1.0 without chunks, and ends with the connection",
    verifies("http-traps"),
    async () => {
      using client = new RawClient(service.url).get(
        `${stream}?follow=false`,
        { accept: "text/event-stream" },
        "1.0",
      );
      await eventually(() => client.ended);
      expect(client.text).not.toMatch(/transfer-encoding/i);
      expect(client.text).toMatch(/\r\n\r\nretry: 2000\nevent: connected\n/);
      expect(client.text).toMatch(
        /event: closed\ndata: \{"reason":"finished","reconnect":false\}\n\n$/,
      );
    },
  );

  it(
    "leaves the connection usable for the next request when it ends",
    verifies("http-traps"),
    async () => {
      using client = new RawClient(service.url).get(`${stream}?follow=false`);
      await client.until("0\r\n\r\n");
      client.get("/livez");
      await client.until('{"status":"ok"}');
      expect(client.ended).toBe(false);
    },
  );

  it(
    "waits its turn behind a pipelined answer, and then streams",
    verifies("http-traps"),
    async () => {
      using client = new RawClient(service.url).get("/livez").get(stream);
      await client.until("event: live");
      expect(client.text.indexOf('{"status":"ok"}')).toBeLessThan(
        client.text.indexOf("event: connected"),
      );
      await api.status("web-1", { phase: "Pipelined" });
      await client.until("Pipelined");
    },
  );

  it(
    "waits behind a stream that has not ended, and takes no place before its turn, however many are pipelined",
    verifies("http-traps", "admission"),
    async () => {
      await using small = await startTestService({ MAX_CONNECTIONS: "2", ADMISSION_QUEUE: "0" });
      const warnings: string[] = [];
      const onWarning = ({ message }: Error) => void warnings.push(message);
      process.on("warning", onWarning);
      using client = new RawClient(small.url).get(stream);
      for (let i = 0; i < 30; i++) client.get(stream);
      await client.until("event: live");
      using second = new RawClient(small.url).get(stream);
      await second.until("event: live");
      using refused = new RawClient(small.url).get(stream);
      await refused.until("HTTP/1.1 503");
      client.socket.destroy();
      const { metric } = apiOf(small.url);
      await eventually(async () => (await metric('streaming_closes_total{reason="gone"}')) === 1);
      using third = new RawClient(small.url).get(stream);
      await third.until("event: live");
      expect(await metric('streaming_connections_total{transport="sse",outcome="accepted"}')).toBe(
        3,
      );
      process.off("warning", onWarning);
      expect(warnings).toEqual([]);
    },
  );

  it(
    "notices that the client has left, by FIN and by RST, also after a POST",
    verifies("http-traps"),
    async () => {
      await eventually(async () => (await open()) === 0);
      const body = JSON.stringify({ prompt: "word ".repeat(2_000) });
      const post = `POST /api/v1/ai/chat HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      const clients = [
        new RawClient(service.url).get(stream),
        new RawClient(service.url).get(stream),
        new RawClient(service.url).send(post),
      ];
      await eventually(async () => (await open()) === 3);
      clients[0]!.socket.end();
      clients[1]!.socket.resetAndDestroy();
      clients[2]!.socket.destroy();
      await eventually(async () => (await open()) === 0);
    },
  );
});

describe("bodies", () => {
  it("that never come are given up, with an answer", verifies("body-timeout"), async () => {
    await using service = await startTestService({ BODY_TIMEOUT: "200ms" });
    using client = new RawClient(service.url);
    client.send("POST /api/v1/ai/chat HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
    await client.until("body-timeout");
    expect(client.text).toMatch(/^HTTP\/1\.1 408 /);
    await eventually(() => client.ended, { what: "the connection to be let go" });
  });
});
