import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import { apiOf } from "../support/api.ts";
import { isLive, type Received, readWithEventSource } from "../support/readers.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const ticks = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ type: "tick", data: from + i }));

/** A whole answer of a stream that does not follow, as items. */
async function readOnce(url: string, headers: Record<string, string> = {}): Promise<Received[]> {
  const response = await fetch(url, { headers });
  expect(response.status).toBe(200);
  return (await response.text())
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Received);
}

const gapsOf = (items: readonly Received[]) =>
  items.filter(({ type }) => type === "gap").map(({ data }) => data);

describe("what cannot be had is told, once and truly", () => {
  let redis: TestRedis;
  let service: Service;
  let api: ReturnType<typeof apiOf>;
  beforeAll(async () => {
    redis = await TestRedis.start();
    service = await startTestService({
      REDIS_URL: redis.url,
      RETENTION_APP: "100,1h",
      RETRY_DELAY: "5ms",
      AUDIT_INTERVAL: "200ms",
    });
    api = apiOf(service.url);
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });
  const stream = (topic: string, query = "") =>
    api.url(`/api/v1/events?topic=${topic}&format=ndjson&follow=false${query}`);

  it(
    "history trimmed: one gap with the exact number, then the first event that is there",
    verifies("gaps"),
    async () => {
      const [held] = await api.publish("app:trimmed", ticks(1));
      for (let i = 0; i < 40; i++) await api.publish("app:trimmed", ticks(10, 1 + i * 10));
      const items = await readOnce(stream("app:trimmed", `&last_event_id=${held}`));
      const events = items.filter(({ type }) => type === "tick");
      const missed = (events[0]!.data as number) - 1;
      expect(missed).toBeGreaterThan(0);
      expect(gapsOf(items)).toEqual([
        {
          topic: "app:trimmed",
          from: held,
          to: events[0]!.id.split(".")[1],
          missed,
          reason: "trimmed",
        },
      ]);
      expect(items.findIndex(({ type }) => type === "gap")).toBe(1);
      expect(events.at(-1)!.data).toBe(400);
      // Cut right after the gap: it is not repeated, and nothing is left out.
      const resumed = await readOnce(stream("app:trimmed", `&last_event_id=${items[1]!.id}`));
      expect(gapsOf(resumed)).toEqual([]);
      expect(resumed.filter(({ type }) => type === "tick").map(({ id }) => id)).toEqual(
        events.map(({ id }) => id),
      );
    },
  );

  it("a cursor of the dim past that nothing was lost since: no gap", verifies("gaps"), async () => {
    const [first] = await api.publish("app:whole", ticks(50));
    const items = await readOnce(stream("app:whole", `&last_event_id=${first}`));
    expect(gapsOf(items)).toEqual([]);
    expect(items.filter(({ type }) => type === "tick")).toHaveLength(49);
  });

  for (const [how, empty] of [
    [
      "a Redis flushed, whose topic then has just as many events",
      async () => void (await redis.command("FLUSHALL")),
    ],
    [
      "a topic deleted and published to anew",
      async (topic: string) => void (await redis.command(`DEL novastream:{${topic}}`)),
    ],
  ] as const) {
    it(`${how}: one gap to whoever comes back`, verifies("gaps"), async () => {
      const topic = `app:reset-${how.length}`;
      const ids = await api.publish(topic, ticks(7));
      await empty(topic);
      await eventually(() => Date.now() > Number(ids[0]!.split("-")[0]) + 1);
      await api.publish(topic, ticks(7, 100));
      const items = await readOnce(stream(topic, `&last_event_id=${ids[6]}`));
      expect(gapsOf(items)).toMatchObject([{ from: ids[6], missed: null, reason: "reset" }]);
      expect(items.filter(({ type }) => type === "tick").map(({ data }) => data)).toEqual([
        100, 101, 102, 103, 104, 105, 106,
      ]);
    });

    it(
      `${how}: one gap to whoever is connected, whose connection stays`,
      verifies("gaps"),
      async () => {
        const topic = `app:live-${how.length}`;
        using source = readWithEventSource(api.url(`/api/v1/events?topic=${topic}`), ["tick"]);
        await isLive(source);
        const ids = await api.publish(topic, ticks(5));
        await eventually(() => source.received.length === 5);
        await empty(topic);
        await eventually(() => Date.now() > Number(ids[0]!.split("-")[0]) + 1);
        await api.publish(topic, ticks(5, 200));
        await eventually(() => source.received.length === 10);
        expect(gapsOf(source.controls)).toMatchObject([
          { from: ids[4], missed: null, reason: "reset" },
        ]);
        expect(source.received.slice(5).map(({ data }) => (data as { data: number }).data)).toEqual(
          [200, 201, 202, 203, 204],
        );
        expect(source.connections).toBe(1);
      },
    );
  }

  it(
    "a Last-Event-ID header that is garbage: one gap, then the default start",
    verifies("gaps", "bad-cursor"),
    async () => {
      await api.status("garbled", { phase: "Running" });
      const url = api.url("/api/v1/wukongs/garbled/stream?format=ndjson&follow=false");
      for (const cursor of ["garbage", "x1.2-3,4-5", "xzzzzzz.1-1", "9".repeat(200)]) {
        const items = await readOnce(url, { "last-event-id": cursor });
        expect(items.map(({ type }) => type)).toEqual([
          "connected",
          "gap",
          "status",
          "live",
          "closed",
        ]);
        expect(gapsOf(items)).toMatchObject([{ from: null, missed: null, reason: "reset" }]);
      }
    },
  );

  it(
    "a latest-only reader that has fallen behind: dropped, with the count, then the newest",
    verifies("latest-only"),
    async () => {
      // Proven against the model in test/unit/hub-model.test.ts; here over a socket that is not read.
      await using own = await startTestService({ HEARTBEAT_INTERVAL: "1h" });
      const ownApi = apiOf(own.url);
      await ownApi.status("slow", { phase: "0" });
      const response = await fetch(ownApi.url("/api/v1/wukongs/slow/stream?format=ndjson"));
      const lagging = () => ownApi.metric("streaming_lagging_subscriptions");
      let last = 0;
      for (; (await lagging()) === 0; last++) {
        await ownApi.status("slow", { phase: String(last + 1), padding: "x".repeat(200_000) });
      }
      for (let i = 0; i < 5; i++) await ownApi.status("slow", { phase: String(++last) });
      let rest = "";
      const items: Received[] = [];
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        items.push(...lines.filter(Boolean).map((line) => JSON.parse(line) as Received));
        if ((items.at(-1)?.data as { phase?: string } | undefined)?.phase === String(last)) break;
      }
      const at = items.findIndex(({ type }) => type === "dropped");
      const { from, to, count } = items[at]!.data as { from: string; to: string; count: number };
      expect(items[at - 1]!.id).toContain(from);
      expect(items[at + 1]!.id).toContain(to);
      expect(count).toBe(Number(to.split("-")[1]) - Number(from.split("-")[1]) - 1);
      expect(count).toBeGreaterThanOrEqual(4);
      expect(items.slice(at + 1).map(({ data }) => (data as { phase: string }).phase)).toEqual([
        String(last),
      ]);
    },
  );
});
