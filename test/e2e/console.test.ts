import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Service } from "../../src/service.ts";
import { apiOf } from "../support/api.ts";
import { RawClient } from "../support/raw-http.ts";
import { startTestService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

interface Message {
  type: string;
  id?: string;
  message?: string;
  code?: string;
  data?: Record<string, unknown>;
}

/** A console client that keeps what it hears. */
class ConsoleClient implements Disposable {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  closed: { code: number; reason: string } | undefined;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url.replace("http", "ws"), { headers });
    this.socket.on("message", (data: Buffer) =>
      this.messages.push(JSON.parse(data.toString("utf8")) as Message),
    );
    this.socket.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.socket.on("error", () => {});
  }

  until(type: string, count = 1): Promise<Message> {
    const found = () => this.messages.filter((message) => message.type === type)[count - 1];
    return eventually(found, { timeoutMs: 5_000, what: `${count} × ${type}` });
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

describe("the console", () => {
  let service: Service;
  let api: ReturnType<typeof apiOf>;
  beforeAll(async () => {
    service = await startTestService({
      CORS_ORIGINS: "https://app.example.com",
      HEARTBEAT_INTERVAL: "200ms",
    });
    api = apiOf(service.url);
  });
  afterAll(() => service[Symbol.asyncDispose]());
  const path = (name: string) => api.url(`/ws/wukong/${name}`);

  it(
    "says connected at once, then the status, and each change of it",
    verifies("console"),
    async () => {
      await api.status("web-1", { phase: "Running", ready: 3 });
      using client = new ConsoleClient(path("web-1"));
      await client.until("live");
      expect(client.messages[0]).toMatchObject({
        type: "connected",
        message: "Connected to web-1",
        topics: ["status:web-1"],
      });
      expect(client.messages[1]).toMatchObject({
        type: "status",
        topic: "status:web-1",
        data: { phase: "Running", ready: 3 },
      });
      await api.status("web-1", { phase: "Stopped", text: "x".repeat(70_000) });
      expect((await client.until("status", 2)).data).toMatchObject({ phase: "Stopped" });
    },
  );

  it(
    "answers ping with result, and what it does not understand with an error, and stays open",
    verifies("console"),
    async () => {
      using client = new ConsoleClient(path("web-2"));
      await once(client.socket, "open");
      const bad: [string | Buffer, RegExp][] = [
        ["not JSON", /not JSON/],
        ['{"type":"reboot","id":"2"}', /type: must be one of: ping/],
        ['{"type":"ping"}', /id: /],
        ['{"type":"ping","id":"4","extra":1}', /extra/],
        ["[]", /./],
        [Buffer.from([1, 2, 3]), /JSON text/],
      ];
      for (const [index, [message, why]] of bad.entries()) {
        client.socket.send(message);
        const error = await client.until("error", index + 1);
        expect(error).toMatchObject({ code: "bad-message" });
        expect(error.message).toMatch(why);
      }
      expect(client.messages.find(({ id }) => id === "2")).toMatchObject({ type: "error" });
      client.socket.send('{"type":"ping","id":"1"}');
      expect(await client.until("result")).toEqual({ type: "result", id: "1" });
    },
  );

  it("goes on from a cursor, over another connection", verifies("console"), async () => {
    await api.status("web-3", { phase: "1" });
    using first = new ConsoleClient(path("web-3"));
    const { id } = await first.until("status");
    first.socket.terminate();
    await api.status("web-3", { phase: "2" });
    await api.status("web-3", { phase: "3" });
    using second = new ConsoleClient(`${path("web-3")}?last_event_id=${id}`);
    await second.until("live");
    expect(
      second.messages.filter(({ type }) => type === "status").map(({ data }) => data!["phase"]),
    ).toEqual(["2", "3"]);
  });

  it(
    "is closed with the code of its reason: kicked, deleted, a message too large",
    verifies("console"),
    async () => {
      await api.status("web-4", { phase: "1" });
      using kicked = new ConsoleClient(path("web-4"));
      const { connectionId } = (await kicked.until("connected")) as Message & {
        connectionId: string;
      };
      await fetch(api.url(`/api/v1/connections/${connectionId}`), { method: "DELETE" });
      await eventually(() => kicked.closed);
      expect(kicked.closed).toMatchObject({
        code: 4002,
        reason: expect.stringContaining('"reconnect":true') as string,
      });
      using deleted = new ConsoleClient(path("web-4"));
      await deleted.until("live");
      expect((await fetch(api.url("/api/v1/wukongs/web-4"), { method: "DELETE" })).status).toBe(
        204,
      );
      await eventually(() => deleted.closed);
      expect(deleted.closed).toMatchObject({ code: 4404 });
      using large = new ConsoleClient(path("web-5"));
      await once(large.socket, "open");
      large.socket.send(JSON.stringify({ type: "ping", id: "x".repeat(100_000) }));
      await eventually(() => large.closed);
      expect(large.closed).toMatchObject({ code: 1009 });
    },
  );

  it("notices a peer that no longer answers pings", verifies("console", "stalls"), async () => {
    using client = new RawClient(service.url);
    client.send(
      "GET /ws/wukong/web-6 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await client.until("101 Switching Protocols");
    await eventually(() => client.ended, {
      timeoutMs: 5_000,
      what: "the silent peer to be let go",
    });
  });

  it(
    "refuses, before the handshake, bad names, unknown paths, bad cursors and foreign pages",
    verifies("console"),
    async () => {
      const upgrade = async (target: string, headers: Record<string, string> = {}) => {
        using client = new RawClient(service.url).get(target, {
          connection: "upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
          ...headers,
        });
        await eventually(() => client.ended || client.text.includes("101 Switching"));
        return client.text;
      };
      expect(await upgrade("/ws/wukong/Web_1!")).toMatch(/^HTTP\/1\.1 400 .*"field":"name"/s);
      expect(await upgrade("/ws/wukong/%zz")).toMatch(/^HTTP\/1\.1 400 /);
      expect(await upgrade("/ws/other")).toMatch(/^HTTP\/1\.1 404 /);
      expect(await upgrade("/ws/wukong/web-1?last_event_id=junk")).toMatch(
        /^HTTP\/1\.1 400 .*last_event_id/s,
      );
      expect(await upgrade("/ws/wukong/web-1", { origin: "https://evil.example.com" })).toMatch(
        /^HTTP\/1\.1 403 .*forbidden-origin/s,
      );
      expect(await upgrade("/ws/wukong/web-1", { origin: "https://app.example.com" })).toMatch(
        /^HTTP\/1\.1 101 /,
      );
      expect((await fetch(path("web-1"))).status).toBe(426);
    },
  );
});
