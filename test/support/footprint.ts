import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { ServiceProcess } from "./service-process.ts";
import type { TestRedis } from "./redis.ts";
import { eventually } from "./wait.ts";

/** What makes a service collect garbage when it is told to. */
export const COLLECTABLE = {
  NODE_OPTIONS: `--import=${new URL("gc-on-signal.mjs", import.meta.url).href}`,
};

/** What a service holds on to. */
export interface Footprint {
  /** After its garbage has been collected. */
  readonly heapBytes: number;
  readonly openFiles: number;
  /** As Node counts them: sockets, servers, timers of libuv's own. */
  readonly activeHandles: number;
  readonly connections: number;
  readonly activeTopics: number;
  readonly laggingSubscriptions: number;
  readonly runningGenerations: number;
  readonly waitingNewcomers: number;
  /** Of Redis, where there is one; sorted. */
  readonly channels: readonly string[];
  readonly keys: readonly string[];
}

export async function footprintOf(service: ServiceProcess, redis?: TestRedis): Promise<Footprint> {
  await collectGarbage(service);
  const metrics = await scrape(service);
  const sum = (name: string): number =>
    [...metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  return {
    heapBytes: sum("nodejs_heap_size_used_bytes"),
    openFiles: (await readdir(`/proc/${service.child.pid}/fd`)).length,
    activeHandles: sum("nodejs_active_handles_total"),
    connections: sum("streaming_active_connections"),
    activeTopics: sum("streaming_active_topics"),
    laggingSubscriptions: sum("streaming_lagging_subscriptions"),
    runningGenerations: Number(
      /^streaming_chat_generations\{model="demo"\} (\S+)$/m.exec(metrics)?.[1] ?? 0,
    ),
    waitingNewcomers: sum("streaming_admission_waiting"),
    channels: await list(redis, "PUBSUB", "SHARDCHANNELS"),
    keys: await list(redis, "KEYS", "*"),
  };
}

async function collectGarbage(service: ServiceProcess): Promise<void> {
  const said = (): number => service.output.split("collected\n").length;
  // Twice: what the first finds dead may keep other things alive until the second.
  for (let i = 0; i < 2; i++) {
    const before = said();
    service.child.kill("SIGUSR2");
    await eventually(() => said() > before, { what: "a collection" });
  }
}

/** Over a connection of its own, which is gone afterwards: one that is kept alive would be counted. */
async function scrape({ url }: ServiceProcess): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const closed = once(socket, "close");
  socket.write("GET /metrics HTTP/1.0\r\nHost: test\r\n\r\n");
  const answer = await text(socket);
  await closed;
  if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(`/metrics answered ${answer}`);
  return answer;
}

async function list(
  redis: TestRedis | undefined,
  command: string,
  what: string,
): Promise<string[]> {
  if (!redis) return [];
  return ((await redis.ask(command, what)) as string[]).sort();
}
