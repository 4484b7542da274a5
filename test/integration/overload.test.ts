import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { apiOf } from "../support/api.ts";
import { RawClient } from "../support/raw-http.ts";
import { isLive, readWithEventSource } from "../support/readers.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const sse = { accept: "text/event-stream" };
const stream = "/api/v1/events?topic=app:a";

/** Keeps this process's event loop busy, and with it the service that runs here, in turns of so many ms. */
function blockLoop(turnMs: number): Disposable {
  const over = new AbortController();
  void (async () => {
    while (!over.signal.aborted) {
      const untilMs = performance.now() + turnMs;
      while (performance.now() < untilMs);
      await turn();
    }
  })();
  return { [Symbol.dispose]: () => over.abort() };
}

describe("an overloaded process", () => {
  it(
    "sheds newcomers on every transport, those in the queue too, and keeps its streams, its readiness and the rest",
    verifies("overload", "full-server"),
    async () => {
      // No process has so little memory: overload begins with the third window.
      await using service = await startTestService({
        OVERLOAD_MEMORY: "1MiB",
        MAX_CONNECTIONS: "2",
        ADMISSION_TIMEOUT: "1m",
      });
      const api = apiOf(service.url);
      const holders = [stream, stream].map((path) => new RawClient(service.url).get(path, sse));
      await Promise.all(holders.map((holder) => holder.until("event: live")));
      using waiting = new RawClient(service.url).get(stream, sse);
      await waiting.until(/event: closed\ndata: \{"reason":"overloaded","reconnect":true\}/);
      expect(await api.metric("streaming_overloaded")).toBe(1);
      // A place that becomes free is nobody's while it lasts.
      holders[1]!.socket.destroy();
      await eventually(
        async () => (await api.metric('streaming_closes_total{reason="gone"}')) === 1,
      );

      using events = new RawClient(service.url).get(stream, sse);
      await events.until(
        /retry: \d{4,5}\nevent: closed\ndata: \{"reason":"overloaded","reconnect":true\}/,
      );
      const lines = await fetch(`${service.url}${stream}&format=ndjson`);
      expect([lines.status, Number(lines.headers.get("retry-after")) > 1]).toEqual([503, true]);
      const chat = await api.post("/api/v1/ai/chat", { prompt: "a" });
      expect([chat.status, await chat.json()]).toEqual([
        503,
        expect.objectContaining({ code: "overloaded", retryable: true }),
      ]);
      const socket = new WebSocket(`${service.url.replace("http", "ws")}/ws/wukong/web-1`);
      expect(((await once(socket, "close")) as [number])[0]).toBe(1013);

      expect((await fetch(api.url("/readyz"))).status).toBe(200);
      await api.publish("app:a", { type: "tick", data: "still here" });
      await holders[0]!.until("still here");
      expect(holders[0]!.text).not.toContain("event: closed");
      holders[0]!.socket.destroy();
    },
  );

  it(
    "whose event loop is late does so for as long as that lasts, and an EventSource gets in later by itself",
    verifies("overload", "full-server"),
    async () => {
      await using service = await startTestService({ OVERLOAD_EVENT_LOOP_DELAY: "60ms" });
      const api = apiOf(service.url);
      using staying = new RawClient(service.url).get(stream, sse);
      await staying.until("event: live");
      const busy = blockLoop(150);
      await eventually(async () => (await api.metric("streaming_overloaded")) === 1);
      using source = readWithEventSource(`${service.url}${stream}&from=earliest`, ["tick"]);
      await eventually(() => source.controls.some(({ type }) => type === "closed"));
      await api.publish("app:a", { type: "tick", data: "in the meantime" });
      await staying.until("in the meantime");
      busy[Symbol.dispose]();
      await isLive(source);
      await eventually(() => source.received.length === 1);
      expect(await api.metric("streaming_overloaded")).toBe(0);
      expect(staying.text).not.toContain("event: closed");
      expect(source.dead).toBe(false);
    },
  );
});
