import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { apiOf } from "../support/api.ts";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { publishUntilDone } from "../support/publish.ts";
import { isLive, readWithEventSource, readWithFetch } from "../support/readers.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const EVENTS = 1_500;

describe("a Redis killed by SIGKILL and started again", () => {
  it(
    "costs nobody an event and doubles none: streams stay open, publishes get 503 and are repeated",
    verifies("outage"),
    async () => {
      await using redis = await TestRedis.start({ durable: true });
      const environment = { REDIS_URL: redis.url, RETRY_DELAY: "5ms", PROBE_INTERVAL: "200ms" };
      await using first = await ServiceProcess.start(environment);
      await using second = await ServiceProcess.start(environment);
      const urls = [first.url, second.url];
      const query = "/api/v1/events?topic=app:outage&from=earliest";
      using source = readWithEventSource(first.url + query, ["tick"]);
      using lines = readWithFetch(second.url + query);
      await eventually(() => source.connections === 1 && lines.connections === 1);

      const statuses = new Set<number>();
      let published = 0;
      const publisher = async (): Promise<void> => {
        for (let n = 0; n < EVENTS; n += 5) {
          const events = Array.from({ length: 5 }, (_, i) => ({ type: "tick", data: n + i }));
          await publishUntilDone(() => urls[(n / 5) % 2]!, "app:outage", events, `k${n}`);
          published = n;
        }
      };
      const publishing = publisher();
      for (const at of [300, 900]) {
        await eventually(() => published >= at);
        await redis.kill();
        const refused = await apiOf(first.url).post("/api/v1/topics/app:outage-probe/events", {
          type: "probe",
          data: 1,
        });
        statuses.add(refused.status);
        expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
        expect(await refused.json()).toMatchObject({ code: "log-unavailable", retryable: true });
        // Trouble that all pods share makes none of them unready.
        expect((await fetch(`${first.url}/readyz`)).status).toBe(200);
        await redis.start();
      }
      await publishing;
      await eventually(() => source.received.length >= EVENTS && lines.received.length >= EVENTS, {
        timeoutMs: 30_000,
      });
      const expected = Array.from({ length: EVENTS }, (_, n) => n);
      expect(source.received.map(({ data }) => (data as { data: number }).data)).toEqual(expected);
      expect(lines.received.map(({ data }) => data)).toEqual(expected);
      expect([...statuses]).toEqual([503]);
      // The streams themselves have not noticed.
      expect([source.connections, lines.connections]).toEqual([1, 1]);
    },
  );

  it(
    "may be away when the service starts: a stream opens and waits, and everything works once it is there",
    verifies("outage"),
    async () => {
      await using redis = await TestRedis.start();
      await redis.kill();
      await using service = await startTestService({
        REDIS_URL: redis.url,
        PROBE_INTERVAL: "100ms",
      });
      const api = apiOf(service.url);
      expect(await api.json("/readyz")).toEqual({ status: "starting", redis: "down" });
      using source = readWithEventSource(`${service.url}/api/v1/wukongs/web-1/stream`, ["status"]);
      await eventually(() => source.connections === 1);
      // An EventSource whose answer cannot be looked up is told to come back: an error all the same.
      const sse = { accept: "text/event-stream" };
      const errors = () => api.metric('streaming_errors_total{code="log-unavailable"}');
      expect(await errors()).toBe(0);
      const told = await fetch(api.url("/api/v1/ai/chat/none/stream"), { headers: sse });
      expect([told.status, await told.text()]).toEqual([
        200,
        expect.stringMatching(/^retry: \d+\n\n$/),
      ]);
      expect(await errors()).toBe(1);
      // Whoever waits and goes with nothing has waited: it shows, and not only who was given something.
      const left = new AbortController();
      await fetch(api.url("/api/v1/events?topic=app:nothing"), { signal: left.signal });
      left.abort();
      const waits = 'streaming_time_to_first_event_seconds_count{route="/api/v1/events"}';
      await eventually(async () => (await api.metric(waits)) === 1);
      await redis.start();
      await eventually(async () => (await fetch(api.url("/readyz"))).ok);
      await api.status("web-1", { phase: "Running" });
      await eventually(() => source.received.length === 1);
      expect(source.connections).toBe(1);
    },
  );

  it(
    "older than 7.0 is refused at start with a clear message",
    verifies("redis-version"),
    async () => {
      const old = createServer((socket) => {
        socket.on("error", () => {});
        socket.on("data", (bytes) => {
          // Each command of the handshake gets an answer that Redis 6.2 would give.
          for (const command of bytes
            .toString()
            .match(/\r\n(HELLO|INFO|CLIENT|SELECT|AUTH|PING)\r\n/gi) ?? []) {
            const info = "redis_version:6.2.14\r\n";
            if (/hello/i.test(command)) socket.write("-ERR unknown command `HELLO`\r\n");
            else socket.write(/info/i.test(command) ? `$${info.length}\r\n${info}\r\n` : "+OK\r\n");
          }
        });
      }).listen(0, "127.0.0.1");
      await once(old, "listening");
      const { port } = old.address() as AddressInfo;
      await expect(startTestService({ REDIS_URL: `redis://127.0.0.1:${port}` })).rejects.toThrow(
        /Redis 6\.2\.14 is too old: NovaStream needs Redis 7\.0/,
      );
      old.close();
    },
  );
});

describe("a doorbell that does not ring", () => {
  it(
    "is healed by the audit, also when nothing follows it",
    verifies("heal-doorbell"),
    async () => {
      await using redis = await TestRedis.start();
      await using service = await startTestService({
        REDIS_URL: redis.url,
        AUDIT_INTERVAL: "300ms",
      });
      const api = apiOf(service.url);
      using source = readWithEventSource(`${service.url}/api/v1/events?topic=app:quiet`, ["tick"]);
      await isLive(source);
      const [id] = await api.publish("app:quiet", { type: "tick", data: 1 });
      await eventually(() => source.received.length === 1);
      const [ms] = id!.split("-");
      // An entry that no doorbell announces, as one lost on the way.
      await redis.command(`XADD novastream:{app:quiet} ${Number(ms) + 1}-2 t tick d 2 b ${ms}`);
      await eventually(() => source.received.length === 2, { timeoutMs: 5_000 });
      expect(await api.metric('streaming_heals_total{cause="audit"}')).toBe(1);
    },
  );

  it("is healed at once by the next one", verifies("heal-doorbell"), async () => {
    await using redis = await TestRedis.start();
    await using service = await startTestService({ REDIS_URL: redis.url });
    const api = apiOf(service.url);
    using source = readWithEventSource(`${service.url}/api/v1/events?topic=app:busy`, ["tick"]);
    await isLive(source);
    const [id] = await api.publish("app:busy", { type: "tick", data: 1 });
    await eventually(() => source.received.length === 1);
    const [ms] = id!.split("-");
    await redis.command(`XADD novastream:{app:busy} ${Number(ms) + 1}-2 t tick d 2 b ${ms}`);
    await eventually(() => Date.now() > Number(ms) + 2);
    await api.publish("app:busy", { type: "tick", data: 3 });
    await eventually(() => source.received.length === 3, { timeoutMs: 2_000 });
    expect(source.received.map(({ data }) => (data as { data: number }).data)).toEqual([1, 2, 3]);
    expect(source.controls.some(({ type }) => type === "gap")).toBe(false);
  });

  it(
    "because the follow connection hangs without closing is noticed by the probe, and healed",
    verifies("heal-hang"),
    async () => {
      await using redis = await TestRedis.start();
      await using proxy = await CuttingProxy.start(() => new URL(redis.url));
      await using service = await startTestService({
        REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
        PROBE_INTERVAL: "100ms",
        PROBE_TIMEOUT: "500ms",
      });
      const api = apiOf(service.url);
      await eventually(async () => (await fetch(api.url("/readyz"))).ok);
      using source = readWithEventSource(`${service.url}/api/v1/events?topic=app:hang`, ["tick"]);
      await isLive(source);
      await api.publish("app:hang", { type: "tick", data: 1 });
      await eventually(() => source.received.length === 1);
      proxy.freeze("novastream-follow");
      await api.publish("app:hang", { type: "tick", data: 2 });
      await eventually(async () => (await api.metric("streaming_redis_up")) === 0, {
        what: "the probe to notice",
      });
      expect(source.received).toHaveLength(1);
      proxy.thaw();
      await eventually(() => source.received.length === 2, { what: "the heal" });
      expect(await api.json("/readyz")).toMatchObject({ status: "ready" });
      // By the reconnect itself, or, where the commands' connection was not back yet, right after it.
      const heals = ["reconnect", "outage"].map((cause) =>
        api.metric(`streaming_heals_total{cause="${cause}"}`),
      );
      const counts = await Promise.all(heals);
      expect(counts.reduce((sum, count) => sum + count)).toBe(1);
      expect(source.connections).toBe(1);
    },
  );
});
