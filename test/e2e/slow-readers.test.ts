import { readFileSync } from "node:fs";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { apiOf } from "../support/api.ts";
import { RawClient } from "../support/raw-http.ts";
import { isLive, readWithEventSource, readWithFetch } from "../support/readers.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const DEAF = 200;
const READING = 50;
const EVENTS = 3_000;
const SIZE = 8_192;
const MIB = 1_024 * 1_024;

/** Of a process, in bytes. */
function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) * 1_024;
}

describe("200 readers that never read beside 50 that do", () => {
  it(
    "slow nobody down and cost a batch each at most, while the 50 get everything",
    verifies("slow-readers"),
    async () => {
      await using redis = await TestRedis.start();
      // Deaf readers would be let go after a while; here they are to stay.
      await using service = await ServiceProcess.start({
        REDIS_URL: redis.url,
        STALL_TIMEOUT: "10m",
      });
      const api = apiOf(service.url);
      const path = "/api/v1/events?topic=app:flood";
      const deaf = Array.from({ length: DEAF }, () => {
        const client = new RawClient(service.url);
        client.socket.pause();
        return client.get(path, { accept: "text/event-stream" });
      });
      const reading = Array.from({ length: READING }, (_, i) =>
        i % 2
          ? readWithFetch(service.url + path)
          : readWithEventSource(service.url + path, ["tick"]),
      );
      await Promise.all(reading.map(isLive));
      await eventually(
        async () =>
          (await api.metric('streaming_active_connections{transport="sse"}')) >= DEAF + READING / 2,
      );

      const before = residentBytes(service.child.pid!);
      let most = 0;
      const text = "x".repeat(SIZE);
      for (let n = 0; n < EVENTS; n += 20) {
        await api.publish(
          "app:flood",
          Array.from({ length: 20 }, (_, i) => ({ type: "tick", data: { n: n + i, text } })),
        );
        most = Math.max(most, residentBytes(service.child.pid!) - before);
      }
      await eventually(() => reading.every(({ received }) => received.length >= EVENTS), {
        timeoutMs: 60_000,
        what: "the 50",
      });
      for (const reader of reading) {
        expect(reader.received).toHaveLength(EVENTS);
        expect(reader.connections).toBe(1);
      }
      const deafStates = (
        (await api.json("/api/v1/connections"))["connections"] as { state: string }[]
      ).filter(({ state }) => state === "lagging");
      expect(deafStates).toHaveLength(DEAF);
      // A batch for each deaf reader, the topic's ring with its frames, and what V8 has not swept yet: 24 MB went through,
      // and without the bound each deaf reader would hold most of it: 200 × 24 MB.
      const bound = (DEAF + READING) * 64 * 1_024 + 3 * 1_024 * (SIZE + 512) + 120 * MIB;
      expect(most).toBeLessThan(bound);
      for (const client of deaf) client[Symbol.dispose]();
      for (const reader of reading) reader[Symbol.dispose]();
    },
  );
});

describe("a full server", () => {
  it(
    "tells an EventSource to come back, which then gets everything, and others 503",
    verifies("full-server"),
    async () => {
      await using service = await ServiceProcess.start({
        MAX_CONNECTIONS: "20",
        ADMISSION_TIMEOUT: "100ms",
      });
      const api = apiOf(service.url);
      const path = "/api/v1/events?topic=app:full&from=earliest";
      const clients = Array.from({ length: 20 }, () => new RawClient(service.url).get(path));
      await Promise.all(clients.map((client) => client.until("event: live")));
      await api.publish("app:full", [{ type: "tick", data: 1 }]);

      using source = readWithEventSource(service.url + path, ["tick"]);
      await eventually(() => source.controls.some(({ type }) => type === "closed"));
      expect(source.controls.map(({ type, data }) => [type, data])).toEqual([
        ["closed", { reason: "overloaded", reconnect: true }],
      ]);

      const refused = await fetch(service.url + path);
      expect(refused.status).toBe(503);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(2);
      expect(await refused.json()).toMatchObject({ code: "overloaded", retryable: true });
      const direct = await fetch(service.url + path, { headers: { accept: "text/event-stream" } });
      expect(direct.status).toBe(200);
      expect(await direct.text()).toMatch(
        /^retry: \d{4,5}\nevent: closed\ndata: \{"reason":"overloaded","reconnect":true\}\n\n$/,
      );

      const socket = new WebSocket(`${service.url.replace("http", "ws")}/ws/wukong/web-1`);
      const [code] = (await once(socket, "close")) as [number];
      expect(code).toBe(1013);

      clients[0]![Symbol.dispose]();
      await api.publish("app:full", [{ type: "tick", data: 2 }]);
      await eventually(() => source.received.length === 2, { timeoutMs: 30_000, what: "room" });
      expect(source.received.map(({ data }) => (data as { data: number }).data)).toEqual([1, 2]);
      for (const client of clients) client[Symbol.dispose]();
    },
  );
});
