import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import { apiOf } from "../support/api.ts";
import type { Received } from "../support/readers.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

interface Page {
  readonly events: (Received & { readonly data: unknown })[];
  readonly cursor: string;
  readonly next: string | undefined;
}

const ticks = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ type: "tick", data: from + i }));

/** The `next` of RFC 8288, resolved against the request. */
function nextOf(response: Response): string | undefined {
  const target = /^<([^>]*)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
  return target === undefined ? undefined : new URL(target, response.url).href;
}

async function pageAt(url: string, headers: Record<string, string> = {}): Promise<Page> {
  const response = await fetch(url, { headers });
  const text = await response.text();
  expect([response.status, text]).toEqual([200, text]);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  return { ...(JSON.parse(text) as Omit<Page, "next">), next: nextOf(response) };
}

/** All that the pages of a range hold, and how many pages they are. */
async function turnPages(url: string, between: () => Promise<void> = async () => {}) {
  const events: Page["events"] = [];
  let pages = 0;
  for (let at: string | undefined = url; at !== undefined; pages++) {
    const page: Page = await pageAt(at);
    events.push(...page.events);
    at = page.next;
    await between();
  }
  return { events, pages };
}

for (const backend of ["memory", "Redis"] as const) {
  describe(`documents, on ${backend}`, () => {
    let redis: TestRedis | undefined;
    let services: Service[];
    let api: ReturnType<typeof apiOf>;
    let other: ReturnType<typeof apiOf>;
    beforeAll(async () => {
      redis = backend === "Redis" ? await TestRedis.start() : undefined;
      const environment = {
        RETENTION_APP: "200,1h",
        RETENTION_LOGS: "30000,1h",
        ...(redis ? { REDIS_URL: redis.url } : {}),
      };
      services = [await startTestService(environment)];
      if (redis) services.push(await startTestService(environment));
      api = apiOf(services[0]!.url);
      other = apiOf(services.at(-1)!.url);
    });
    afterAll(async () => {
      for (const service of services) await service[Symbol.asyncDispose]();
      await redis?.[Symbol.asyncDispose]();
    });
    const events = (query: string) => api.url(`/api/v1/events?${query}`);
    const connections = async () =>
      (await api.json("/api/v1/connections"))["connections"] as { transport: string }[];

    it("pages give exactly the range, also while it grows", verifies("pages"), async () => {
      await api.publish("app:grown", ticks(30));
      let published = 30;
      const { events: all, pages } = await turnPages(
        events("topic=app:grown&format=json&from=earliest&limit=7"),
        async () => {
          if (published >= 60) return;
          await other.publish("app:grown", ticks(6, published));
          published += 6;
        },
      );
      expect(all.map(({ data }) => data)).toEqual(Array.from({ length: 60 }, (_, i) => i));
      expect(pages).toBeGreaterThanOrEqual(9);
      const until = Date.now();
      const ranged = await turnPages(events(`topic=app:grown&format=json&until=${until}&limit=50`));
      expect(ranged.events.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    });

    it(
      "pages go on though their reader keeps the header it came with",
      verifies("pages"),
      async () => {
        await api.publish("app:kept", ticks(9));
        const [first] = (await pageAt(events("topic=app:kept&format=json&from=earliest"))).events;
        const headers = { "last-event-id": first!.id };
        for (const query of ["format=json", "wait=0"]) {
          const data: unknown[] = [];
          let at: string | undefined = events(`topic=app:kept&limit=3&${query}`);
          for (let pages = 0; at !== undefined && pages < 4; pages++) {
            const page: Page = await pageAt(at, headers);
            data.push(...page.events.map((event) => event.data));
            at = page.next;
          }
          expect([query, ...data]).toEqual([query, 1, 2, 3, 4, 5, 6, 7, 8]);
        }
      },
    );

    it("pages tell what was trimmed between them", verifies("pages"), async () => {
      await api.publish("app:trimmed", ticks(100));
      let done = false;
      const { events: all } = await turnPages(
        events("topic=app:trimmed&format=json&from=earliest&limit=20"),
        async () => {
          if (done) return;
          done = true;
          for (let i = 0; i < 10; i++)
            await other.publish("app:trimmed", ticks(100, 100 + i * 100));
        },
      );
      const gaps = all.filter(({ type }) => type === "gap");
      expect(gaps).toHaveLength(1);
      const { missed } = gaps[0]!.data as { missed: number };
      expect(missed).toBeGreaterThan(0);
      const data = all.filter(({ type }) => type === "tick").map((event) => event.data as number);
      expect(data.length + missed).toBe(1_100);
      expect(data.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, i) => i));
      expect(data[20]).toBe(20 + missed);
      expect(data.at(-1)).toBe(1_099);
    });

    it("a page is no larger than a batch, whatever its limit", verifies("pages"), async () => {
      const wide = Array.from({ length: 8 }, (_, i) => ({
        type: "tick",
        data: `${i}${"x".repeat(30_000)}`,
      }));
      await api.publish("app:wide", wide.slice(0, 4));
      await api.publish("app:wide", [{ type: "tick", data: "y".repeat(200_000) }]);
      await api.publish("app:wide", wide.slice(4));
      const { events: all, pages } = await turnPages(
        events("topic=app:wide&format=json&from=earliest"),
      );
      expect(all).toHaveLength(9);
      expect(pages).toBeGreaterThanOrEqual(5);
    });

    it(
      "a filter that lets nothing through ends a page all the same",
      verifies("pages"),
      async () => {
        const lines = Array.from({ length: 12_000 }, (_, i) => `line ${i}`).join("\n");
        const path = "/api/v1/wukongs/dull/logs";
        const upload = await api.post(path, `${lines}\nneedle`, { "content-type": "text/plain" });
        expect(await upload.text()).toContain('"lines":12001');
        const first = await pageAt(api.url(`${path}?format=json&from=earliest&regex=n..dle`));
        expect(first.events).toEqual([]);
        expect(first.next).toBeDefined();
        const { events: rest } = await turnPages(first.next!);
        expect(rest).toMatchObject([{ type: "log", data: { message: "needle" } }]);
      },
    );

    it(
      "a long poll answers with what there is, or with what comes, and misses nothing between",
      verifies("long-poll"),
      async () => {
        const started = await pageAt(events("topic=app:polled&topic=status:polled&wait=0"));
        expect(started.events).toEqual([]);
        const seen: unknown[] = [];
        let cursor = started.cursor;
        const publishing = (async () => {
          for (let i = 0; i < 60; i += 3) {
            await other.publish("app:polled", ticks(3, i));
            if (i % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
        })();
        while (seen.length < 60) {
          const page = await pageAt(
            events(`topic=app:polled&topic=status:polled&wait=20s&limit=8&last_event_id=${cursor}`),
          );
          expect(page.events.length).toBeGreaterThan(0);
          expect(page.events.length).toBeLessThanOrEqual(8);
          expect(page.events.at(-1)!.id).toBe(page.cursor);
          seen.push(...page.events.map(({ data }) => data));
          ({ cursor } = page);
        }
        await publishing;
        expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => i));
        const empty = await pageAt(
          events(`topic=app:polled&topic=status:polled&wait=50ms&last_event_id=${cursor}`),
        );
        expect(empty).toMatchObject({ events: [], cursor });
      },
    );

    it(
      "a waiting poll is a connection: it is listed, and gone with its client",
      verifies("long-poll"),
      async () => {
        const leave = new AbortController();
        const poll = fetch(events("topic=app:waited&wait=30s"), { signal: leave.signal });
        await eventually(async () =>
          (await connections()).some(({ transport }) => transport === "long-poll"),
        );
        leave.abort();
        await expect(poll).rejects.toThrow();
        await eventually(async () => (await connections()).length === 0);
      },
    );

    it(
      "a poll of a topic that began anew tells of it, with the events",
      verifies("long-poll"),
      async () => {
        const far = `${Date.now() - 86_400_000}-7`;
        await api.publish("app:anew", ticks(2));
        const page = await pageAt(events(`topic=app:anew&wait=20s&last_event_id=${far}`));
        expect(page.events[0]).toMatchObject({
          type: "gap",
          data: { from: far, reason: "reset", missed: null },
        });
        const rest = await pageAt(
          events(`topic=app:anew&wait=0&last_event_id=${page.events[0]!.id}`),
        );
        expect(rest.events.map(({ data }) => data)).toEqual([0, 1]);
        const unusable = await pageAt(events("topic=app:anew&format=json&from=earliest"), {
          "last-event-id": "garbage",
        });
        expect(unusable.events.map(({ type }) => type)).toEqual(["gap", "tick", "tick"]);
      },
    );

    it("a poll of what has ended gets 204", verifies("long-poll"), async () => {
      await api.publish("app:over", ticks(2));
      const until = Date.now() + 300;
      const page = await pageAt(events(`topic=app:over&until=${until}&from=earliest&wait=20s`));
      expect(page.events).toHaveLength(2);
      const last = await pageAt(page.next!);
      expect([last.events, last.next]).toEqual([[], undefined]);
      expect(Date.now()).toBeGreaterThanOrEqual(until);
      expect((await fetch(page.next!)).status).toBe(204);
    });
  });
}

it(
  "a drain answers a waiting poll at once, with where to go on",
  verifies("long-poll"),
  async () => {
    const service = await startTestService({ DRAIN_WINDOW: "5s" });
    const api = apiOf(service.url);
    const poll = pageAt(api.url("/api/v1/events?topic=app:x&wait=60s"));
    await eventually(
      async () =>
        ((await api.json("/api/v1/connections"))["connections"] as unknown[]).length === 1,
    );
    await service.stop(0);
    const page = await poll;
    expect(page.events).toEqual([]);
    expect(page.cursor).toMatch(/^x/);
    expect(page.next).toContain("last_event_id=");
  },
);
