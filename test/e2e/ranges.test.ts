import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import { apiOf } from "../support/api.ts";
import { isLive, type Received, readWithEventSource } from "../support/readers.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const ticks = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ type: "tick", data: from + i }));
const msOf = (id: string) => Number(id.split("-")[0]);

for (const backend of ["memory", "Redis"] as const) {
  describe(`a range, on ${backend}`, () => {
    let redis: TestRedis | undefined;
    let service: Service;
    let api: ReturnType<typeof apiOf>;
    beforeAll(async () => {
      redis = backend === "Redis" ? await TestRedis.start() : undefined;
      service = await startTestService({
        RETRY_DELAY: "5ms",
        ...(redis ? { REDIS_URL: redis.url } : {}),
      });
      api = apiOf(service.url);
    });
    afterAll(async () => {
      await service[Symbol.asyncDispose]();
      await redis?.[Symbol.asyncDispose]();
    });
    const read = async (query: string): Promise<Received[]> => {
      const response = await fetch(api.url(`/api/v1/events?format=ndjson&${query}`));
      expect(response.status).toBe(200);
      const lines = (await response.text()).split("\n").filter(Boolean);
      return lines.map((line) => JSON.parse(line) as Received);
    };
    const dataOf = (items: readonly Received[]) =>
      items.filter(({ type }) => type === "tick").map(({ data }) => data);
    /** Publishes until the clock of the log has moved on, so that a moment lies between what was and what comes. */
    const publishLater = async (topic: string, after: string, from: number) => {
      let ids = await api.publish(topic, ticks(3, from));
      for (let next = from + 3; msOf(ids[0]!) <= msOf(after); next += 3)
        ids = await api.publish(topic, ticks(3, next));
      return ids;
    };

    it(
      "holds what stands before `until`, to the millisecond, and joins on to the next one",
      verifies("ranges"),
      async () => {
        const first = await api.publish("app:past", ticks(5));
        const second = await publishLater("app:past", first[4]!, 5);
        const all = dataOf(await read("topic=app:past&from=earliest&follow=false"));
        const middle = msOf(second[0]!);
        const before = await read(`topic=app:past&until=${middle}`);
        expect(before.map(({ type }) => type)).toEqual([
          "connected",
          ...dataOf(before).map(() => "tick"),
          "live",
          "closed",
        ]);
        const after = await read(`topic=app:past&since=${middle}&until=${Date.now() - 1}`);
        expect([...dataOf(before), ...dataOf(after)]).toEqual(all);
        expect(dataOf(after)).toContain(all.at(-1));
        expect(dataOf(await read(`topic=app:past&since=${middle}&until=${middle}`))).toEqual([]);
      },
    );

    it(
      "ends when its time comes, with all that came before, and lets an EventSource rest",
      verifies("ranges"),
      async () => {
        const until = Date.now() + 700;
        using source = readWithEventSource(
          api.url(`/api/v1/events?topic=app:soon&from=latest&until=${until}`),
          ["tick"],
        );
        await isLive(source);
        const [id] = await api.publish("app:soon", ticks(1));
        expect(msOf(id!)).toBeLessThan(until);
        await eventually(() => source.dead);
        expect(Date.now()).toBeGreaterThanOrEqual(until);
        expect(source.received).toHaveLength(1);
        expect(source.controls.findLast(({ type }) => type === "closed")!.data).toEqual({
          reason: "finished",
          reconnect: false,
        });
      },
    );

    it("lies between two positions, neither of them included", verifies("ranges"), async () => {
      const ids = await api.publish("app:between", ticks(9));
      const url = (rest: string) => `topic=app:between&${rest}`;
      const items = await read(url(`last_event_id=${ids[2]}&before=${ids[6]}&follow=false`));
      expect(dataOf(items)).toEqual([3, 4, 5]);
      // The wire's own cursor says the same as a bare position.
      const cursor = items.find(({ type }) => type === "live")!.id;
      expect(dataOf(await read(url(`before=${cursor}`)))).toEqual([0, 1, 2, 3, 4]);
      const seen = await fetch(
        api.url(`/api/v1/events?${url(`last_event_id=${ids[5]}&before=${ids[6]}`)}`),
      );
      expect(seen.status).toBe(204);
    });

    it("of 32 topics ends when each of them has", verifies("ranges"), async () => {
      const topics = Array.from({ length: 32 }, (_, i) => `app:many-${i}`);
      for (const topic of topics.slice(0, 30)) await api.publish(topic, ticks(20));
      const query = topics.map((topic) => `topic=${topic}`).join("&");
      const items = await read(`${query}&from=earliest&until=${Date.now() + 200}`);
      expect(dataOf(items)).toHaveLength(600);
      expect(items.at(-1)).toMatchObject({ type: "closed", data: { reason: "finished" } });
      const cursor = items.findLast(({ id }) => id)!.id;
      const again = `${query}&last_event_id=${cursor}&follow=false`;
      expect((await fetch(api.url(`/api/v1/events?${again}`))).status).toBe(204);
    });

    it(
      "a stream of answers that are finished ends, and lets an EventSource rest",
      verifies("closed-topics"),
      async () => {
        const ask = async () =>
          (await api.post("/api/v1/ai/chat", { prompt: "one two", stream: false })).headers.get(
            "x-generation-id",
          )!;
        const query = [await ask(), await ask()].map((id) => `topic=chat:${id}`).join("&");
        using source = readWithEventSource(api.url(`/api/v1/events?${query}`), ["chunk"]);
        await eventually(() => source.dead);
        expect(source.controls.map(({ type }) => type)).toEqual(["connected", "live", "closed"]);
        expect(source.controls.at(-1)!.data).toEqual({ reason: "finished", reconnect: false });
      },
    );
  });
}
