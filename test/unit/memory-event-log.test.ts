import { describe, expect, it } from "vitest";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { parseTopic } from "../../src/log/topic.ts";
import { eventLogSpec } from "../spec/event-log.spec.ts";

const retention = { ...DEFAULT_RETENTION, app: { count: 100, idleMs: 3_600_000 } };

describe("the memory log", () => {
  eventLogSpec(async () => {
    let current = new MemoryEventLog({ retention, maxBytes: 1e9 });
    const topics = new Set<ReturnType<typeof parseTopic>>();
    // A flush rings no bell: delete where nobody listens.
    const log = new Proxy(current, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (name === "append") {
          return (...args: Parameters<MemoryEventLog["append"]>) => {
            topics.add(args[0]);
            return target.append(...args);
          };
        }
        return typeof member === "function" ? (member as () => unknown).bind(target) : member;
      },
    });
    return {
      log,
      flush: async () => {
        for (const topic of topics) await current.delete(topic);
      },
      [Symbol.asyncDispose]: () => current[Symbol.asyncDispose](),
    };
  });

  it("forgets a topic that has been idle for its time, and tells its readers of a reset when it comes back", async () => {
    let now = 1_000_000;
    await using log = new MemoryEventLog({ retention, maxBytes: 1e9, now: () => now });
    const topic = parseTopic("app:idle");
    const { first } = await log.append(topic, [{ type: "log", data: "1" }]);
    now += 3_600_000;
    expect(await log.head(topic)).toMatchObject({ born: 0 });
    await log.append(topic, [{ type: "log", data: "2" }]);
    const slice = await log.read(topic, first, { events: 10, bytes: 10 });
    expect(slice.gap).toEqual({ reason: "reset", missed: null });
  });

  it("holds no more data than it may over many topics of one event each: the quietest are forgotten", async () => {
    await using log = new MemoryEventLog({ retention, maxBytes: 10_000 });
    const topics = Array.from({ length: 50 }, (_, n) => parseTopic(`app:t${n}`));
    for (const topic of topics) {
      await log.append(topic, [{ type: "log", data: `"${"x".repeat(998)}"` }]);
      // Not the quietest, as long as it is published to.
      await log.append(topics[0]!, [{ type: "log", data: "1" }]);
    }
    const heads = await Promise.all(topics.map((topic) => log.head(topic)));
    const kept = heads.flatMap(({ position }, n) => (position.n > 0 ? [n] : []));
    expect(kept).toEqual([0, 42, 43, 44, 45, 46, 47, 48, 49]);
  });

  it("holds no more data than it may over all topics, at the cost of the topic that grows", async () => {
    await using log = new MemoryEventLog({ retention, maxBytes: 10_000 });
    const [quiet, busy] = [parseTopic("app:quiet"), parseTopic("app:busy")];
    await log.append(quiet, [{ type: "log", data: `"${"q".repeat(1_000)}"` }]);
    const first = await log.append(busy, [{ type: "log", data: '"first"' }]);
    for (let i = 0; i < 50; i++)
      await log.append(busy, [{ type: "log", data: `"${"b".repeat(1_000)}"` }]);
    const limit = { events: 1_000, bytes: 1e9 };
    const kept = (await log.read(busy, "earliest", limit)).events;
    expect(kept.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThanOrEqual(9_000);
    expect((await log.read(quiet, "earliest", limit)).events).toHaveLength(1);
    expect((await log.read(busy, first.first, limit)).gap).toMatchObject({
      reason: "trimmed",
      missed: 51 - 1 - kept.length,
    });
  });
});
