import { describe, expect, it } from "vitest";
import { logUnavailable } from "../../src/errors.ts";
import { Hub } from "../../src/hub/hub.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { parseTopic } from "../../src/log/topic.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { Collector } from "../support/collector.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

describe("a reader of several topics, one of which cannot be reached at first", () => {
  it("begins each of them once", verifies("model"), async () => {
    const [near, far] = [parseTopic("app:near"), parseTopic("app:far")];
    const inner = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
    let failures = 1;
    const looks: string[] = [];
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const log: EventLog = {
      append: (...args) => inner.append(...args),
      read: (...args) => inner.read(...args),
      head: (...args) => inner.head(...args),
      since: (...args) => inner.since(...args),
      now: () => inner.now(),
      last: async (topic, count) => {
        looks.push(topic);
        if (topic === far && failures-- > 0) throw logUnavailable(undefined);
        const position = await inner.last(topic, count);
        // A second look at this one would take until the other is in place and something has been read.
        if (topic === near && looks.length > 2) await released;
        return position;
      },
      follow: (...args) => inner.follow(...args),
      delete: (...args) => inner.delete(...args),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    };
    await using hub = new Hub({
      log,
      metrics: new Metrics(),
      logger: createLogger({ level: "silent", pretty: false }),
      ringCapacity: 16,
      ringBytes: 1e6,
    });
    for (const topic of [near, far])
      await log.append(topic, [{ type: "tick", data: JSON.stringify(topic) }]);
    const start = { kind: "tail", count: 1 } as const;
    const reader = new Collector(hub, [
      { topic: near, start },
      { topic: far, start },
    ]);
    await eventually(() => looks.filter((topic) => topic === far).length === 2);
    await eventually(() => reader.reader.placed);
    reader.reader.kick();
    await eventually(() => reader.taken.length === 2);
    release();
    await eventually(() => reader.isLive);
    await log.append(near, [{ type: "tick", data: "2" }]);
    await eventually(() => reader.data.at(-1) === 2);
    expect(new Set(reader.data)).toEqual(new Set([2, far, near]));
    expect(reader.data).toHaveLength(3);
    expect(looks.filter((topic) => topic === near)).toHaveLength(1);
    reader.reader.close();
  });
});
