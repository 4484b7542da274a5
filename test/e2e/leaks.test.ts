import { afterEach, describe, expect, test } from "vitest";
import { apiOf } from "../support/api.ts";
import { connectAndCut, type Cut, CUTS } from "../support/connect-and-cut.ts";
import { COLLECTABLE, type Footprint, footprintOf } from "../support/footprint.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

/** On each kind of log; LEAK_CONNECTS=100000 for a long run. */
const CONNECTS = Number(process.env["LEAK_CONNECTS"] ?? 2_500);
const WARM_UP = 1_500;
const AT_ONCE = 50;
/** What a connection may leave behind in the heap; the smallest of ours, kept alive, is several KB. */
const LEFT_BYTES = 200;
/** A leak grows in every round; what is compiled and cached whatever the number of connections ends growing. */
const ROUNDS = 5;
const TOPICS = Array.from({ length: 5 }, (_, i) => `app:leak-${i}`);

/** Logs that are full before the first look, and what is idle is let go at once. */
const ENVIRONMENT = {
  ...COLLECTABLE,
  LOG_LEVEL: "warn",
  TOPIC_LINGER: "200ms",
  HEARTBEAT_INTERVAL: "500ms",
  BUFFER_SIZE: "16",
  RETENTION_APP: "20,24h",
  RETENTION_LOGS: "20,24h",
  RETENTION_STATUS: "20,0",
};

const cleanups: AsyncDisposable[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup[Symbol.asyncDispose]();
});

/** What clients ask for: every transport and format, one topic and several, with and without a cursor. */
function requests(cursors: ReadonlyMap<string, string>, follow: boolean): string[] {
  const end = follow ? "" : "&follow=false";
  const get = (path: string, headers = "") =>
    `GET ${path}${end} HTTP/1.1\r\nHost: t\r\n${follow ? "" : "Connection: close\r\n"}${headers}\r\n`;
  const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bm92YXN0cmVhbS1iZW5jaA==\r\n`;
  const events = TOPICS.map((topic) => `/api/v1/events?topic=${topic}`);
  const chat = (key: string, accept: string) => {
    const body = JSON.stringify({ prompt: "a few words that are said again" });
    return (
      `POST /api/v1/ai/chat HTTP/1.1\r\nHost: t\r\n${follow ? "" : "Connection: close\r\n"}Accept: ${accept}\r\n` +
      `Idempotency-Key: ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    );
  };
  return [
    ...events.map((path) => get(`${path}&from=earliest`)),
    ...TOPICS.map((topic, i) => get(events[i]!, `Last-Event-ID: ${cursors.get(topic)}\r\n`)),
    get(events[0]!, "Last-Event-ID: rubbish\r\n"),
    get(`${events[1]}&format=ndjson&last_event_id=${cursors.get(TOPICS[1]!)}`),
    get(`/api/v1/events?${TOPICS.map((topic) => `topic=${topic}`).join("&")}&from=earliest`),
    get("/api/v1/wukongs/leak/stream?format=ndjson"),
    get("/api/v1/wukongs/leak/logs?format=text"),
    get("/api/v1/wukongs/leak/logs?level=error&grep=no"),
    get("/api/v1/notifications?user=leak"),
    // The answers of a few generations, again and again: each new one would rightly be kept.
    chat("leak-1", "application/x-ndjson"),
    chat("leak-2", "text/event-stream"),
    // A WebSocket has no backlog to end after.
    ...(follow ? [get("/ws/wukong/leak", upgrade), get("/ws/wukong/leak?user=leak", upgrade)] : []),
  ];
}

/** Publishes to everything that is read, until it is let go. */
function startPublishing(api: ReturnType<typeof apiOf>): AsyncDisposable {
  const over = new AbortController();
  const done = (async () => {
    for (let i = 0; !over.signal.aborted; i++) {
      const topic = TOPICS[i % TOPICS.length]!;
      await Promise.all([
        api.publish(topic, [{ type: "tick", data: { i } }]),
        api.status("leak", { phase: "Running", i }),
        api.post("/api/v1/wukongs/leak/logs", { message: `line ${i}` }),
      ]);
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await done;
    },
  };
}

async function connectMany(service: ServiceProcess, count: number): Promise<void> {
  const api = apiOf(service.url);
  const cursors = new Map<string, string>();
  for (const topic of TOPICS)
    cursors.set(topic, (await api.publish(topic, [{ type: "tick", data: 0 }]))[0]!);
  const [following, ending] = [requests(cursors, true), requests(cursors, false)];
  await using _publishing = startPublishing(api);
  let next = 0;
  const client = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const cut: Cut = CUTS[i % CUTS.length]!;
      const pool = cut === "to-the-end" ? ending : following;
      await connectAndCut(
        Number(new URL(service.url).port),
        pool[Math.floor(i / CUTS.length) % pool.length]!,
        cut,
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
}

/** Once everything that should go has gone: what is looked for is what does not. */
async function settled(
  service: ServiceProcess,
  redis: TestRedis | undefined,
  like?: Footprint,
): Promise<Footprint> {
  let last: Footprint | undefined;
  const gone = (now: Footprint): boolean =>
    now.connections + now.activeTopics + now.runningGenerations + now.waitingNewcomers === 0 &&
    (!like || (now.openFiles <= like.openFiles && now.activeHandles <= like.activeHandles));
  return eventually(
    async () => {
      last = await footprintOf(service, redis);
      return gone(last) ? last : undefined;
    },
    { timeoutMs: 20_000, everyMs: 100 },
  ).catch(() => last!);
}

describe.for(["memory", "redis"] as const)("on %s", (kind) => {
  test(
    `${CONNECTS} connects and cuts leave nothing behind`,
    { ...verifies("leaks"), timeout: 60_000 + ROUNDS * CONNECTS * 5 },
    async () => {
      const redis = kind === "redis" ? await TestRedis.start() : undefined;
      if (redis) cleanups.push(redis);
      const service = await ServiceProcess.start({
        ...ENVIRONMENT,
        ...(redis && { REDIS_URL: redis.url }),
      });
      cleanups.push(service);

      await connectMany(service, WARM_UP);
      const before = await settled(service, redis);
      const grown: number[] = [];
      let after = before;
      do {
        const { heapBytes } = after;
        await connectMany(service, CONNECTS);
        after = await settled(service, redis, before);
        grown.push(after.heapBytes - heapBytes);
      } while (grown.length < ROUNDS && grown.at(-1)! >= CONNECTS * LEFT_BYTES);

      if (process.env["LEAK_CONNECTS"])
        process.stderr.write(`${kind}: ${JSON.stringify({ before, after, grown })}\n`);

      const { heapBytes: _, openFiles, activeHandles, ...rest } = after;
      expect(rest).toEqual({
        connections: 0,
        activeTopics: 0,
        laggingSubscriptions: 0,
        runningGenerations: 0,
        waitingNewcomers: 0,
        channels: before.channels,
        keys: before.keys,
      });
      // Fewer where the publisher's connections, which are kept alive, have gone meanwhile.
      expect(openFiles).toBeLessThanOrEqual(before.openFiles);
      expect(activeHandles).toBeLessThanOrEqual(before.activeHandles);
      if (redis) expect(before.channels).toEqual([expect.stringContaining("probe")]);
      expect(Math.min(...grown), `grown: ${grown.join()}`).toBeLessThan(CONNECTS * LEFT_BYTES);
    },
  );
});
