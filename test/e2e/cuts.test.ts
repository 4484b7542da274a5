import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { publishUntilDone } from "../support/publish.ts";
import {
  type Received,
  readWithEventSource,
  readWithFetch,
  type ResumingReader,
} from "../support/readers.ts";
import { TestRedis } from "../support/redis.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const EVENTS = 6_000;
const BATCH = 20;
const CUTS = 50;

interface Numbered {
  topic: string;
  data: { n: number };
}

/** Publishes the events in batches over the topics, with text of many lengths so that cuts fall anywhere. */
async function publishAll(urls: readonly string[], topics: readonly string[]): Promise<void> {
  for (let n = 0; n < EVENTS; n += BATCH) {
    const topic = topics[(n / BATCH) % topics.length]!;
    const events = Array.from({ length: BATCH }, (_, i) => ({
      type: "tick",
      data: { n: n + i, text: "é😀\u2028".repeat((n + i) % 17) },
    }));
    await publishUntilDone(() => urls[(n / BATCH) % urls.length]!, topic, events, `batch-${n}`);
  }
}

/** What the log says, in each topic's order. */
async function readLog(url: string, topics: readonly string[]): Promise<Map<string, Received[]>> {
  const log = new Map<string, Received[]>();
  for (const topic of topics) {
    const response = await fetch(
      `${url}/api/v1/events?topic=${topic}&format=ndjson&from=earliest&follow=false`,
    );
    const items = (await response.text())
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Received);
    log.set(
      topic,
      items.filter(({ type }) => type === "tick"),
    );
  }
  return log;
}

const numbers = (items: readonly Received[]): number[] =>
  items.map(({ data }) => (data as { n: number }).n);

/** Of an SSE reader, whose data is an envelope, or an NDJSON one, whose items are. */
function byTopic(reader: ResumingReader, topic: string): number[] {
  return reader.received
    .map((item) =>
      (item.data as Numbered).topic === undefined
        ? (item as unknown as Numbered)
        : (item.data as Numbered),
    )
    .filter((item) => item.topic === topic)
    .map(({ data }) => data.n);
}

/** Cuts after a random number of bytes, until everything has been cut often enough; then lets the rest through. */
const untilCut = (proxy: () => CuttingProxy): number =>
  proxy().cuts < CUTS * 1.2
    ? 200 + Math.floor(Math.random() ** 2 * 24_000)
    : Number.POSITIVE_INFINITY;

for (const backend of ["memory", "Redis"] as const) {
  describe(`readers behind a proxy that cuts at random bytes, on ${backend}`, () => {
    let redis: TestRedis | undefined;
    let services: ServiceProcess[];
    beforeAll(async () => {
      redis = backend === "Redis" ? await TestRedis.start() : undefined;
      const environment: Record<string, string> = {
        RETRY_DELAY: "5ms",
        ...(redis ? { REDIS_URL: redis.url } : {}),
      };
      services = await Promise.all(
        Array.from({ length: redis ? 2 : 1 }, () => ServiceProcess.start(environment)),
      );
    });
    afterAll(async () => {
      await Promise.all(services.map((service) => service[Symbol.asyncDispose]()));
      await redis?.[Symbol.asyncDispose]();
    });

    for (const topics of [["app:one"], ["app:three-a", "app:three-b", "app:three-c"]]) {
      for (const client of ["EventSource", "NDJSON"] as const) {
        it(
          `get each event once, in order, from ${topics.length} topic(s) with ${client}`,
          verifies("cuts"),
          async () => {
            const own = topics.map((topic) => `${topic}-${client.toLowerCase()}`);
            const urls = services.map(({ url }) => url);
            let turn = 0;
            // Every connection goes to the other process.
            const alternate = () => new URL(urls[turn++ % urls.length]!);
            await using proxy: CuttingProxy = await CuttingProxy.start(alternate, () =>
              untilCut(() => proxy),
            );
            const query = `${own.map((topic) => `topic=${topic}`).join("&")}&from=earliest`;
            const url = `${proxy.url}/api/v1/events?${query}`;
            using reader =
              client === "EventSource" ? readWithEventSource(url, ["tick"]) : readWithFetch(url);
            await publishAll(urls, own);
            await eventually(() => reader.received.length >= EVENTS, {
              timeoutMs: 50_000,
              what: "all events",
            });
            const log = await readLog(urls[0]!, own);
            for (const topic of own)
              expect(byTopic(reader, topic)).toEqual(numbers(log.get(topic)!));
            expect(reader.received).toHaveLength(EVENTS);
            expect(reader.controls.filter(({ type }) => type === "gap")).toEqual([]);
            expect(proxy.cuts).toBeGreaterThanOrEqual(CUTS);
            expect(reader.dead).toBe(false);
          },
        );
      }
    }
  });
}
