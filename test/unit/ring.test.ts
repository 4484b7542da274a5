import { describe, expect, it } from "vitest";
import { footprintOf, Ring, RingBudget } from "../../src/hub/ring.ts";
import { parseDoorbell } from "../../src/log/doorbell.ts";
import { createEvent } from "../../src/log/event.ts";
import { ORIGIN } from "../../src/log/position.ts";
import { parseTopic } from "../../src/log/topic.ts";
import { createTopicFormats } from "../../src/routes/topic-formats.ts";
import { logDraft, logLineOf } from "../../src/wukongs/log-line.ts";
import { memoryUse } from "../support/memory-use.ts";
import { verifies } from "../support/verifies.ts";

const topic = parseTopic("app:ring");
const event = (n: number) =>
  createEvent(topic, { ms: 1_000, n }, 1_000, { type: "tick", data: "x".repeat(100) }, false);
const WEIGHT = footprintOf(event(1));

describe("the rings of a process", () => {
  it("hold no more than their budget, however many they are: the quietest give way", () => {
    const budget = new RingBudget(10 * WEIGHT);
    const rings = Array.from({ length: 50 }, () => new Ring(1_024, budget, ORIGIN));
    for (const ring of rings) ring.push(event(1));
    expect(budget.bytes).toBe(10 * WEIGHT);
    expect(rings.map(({ length }) => length)).toEqual([
      ...Array.from({ length: 40 }, () => 0),
      ...Array.from({ length: 10 }, () => 1),
    ]);
    // One that has given way still knows where it stands.
    expect(rings[0]!.holds(event(1).position)).toBe(true);
    expect(rings[0]!.holds(ORIGIN)).toBe(false);
  });

  it("let the one that grows pay before the others do", () => {
    const budget = new RingBudget(10 * WEIGHT);
    const [quiet, busy] = [new Ring(1_024, budget, ORIGIN), new Ring(1_024, budget, ORIGIN)];
    for (let n = 1; n <= 3; n++) quiet.push(event(n));
    for (let n = 1; n <= 100; n++) busy.push(event(n));
    expect([quiet.length, busy.length, budget.bytes]).toEqual([3, 7, 10 * WEIGHT]);
    busy.reset(ORIGIN);
    quiet.reset(ORIGIN);
    expect(budget.bytes).toBe(0);
  });

  it(
    "are as large in memory as their budget says, whatever has been made of their events",
    verifies("bounded-rings"),
    () => {
      const budgetBytes = 24 * 1024 ** 2;
      const logs = parseTopic("logs:ring");
      const { plain, envelope, logText } = createTopicFormats(2_000);
      const formats = [plain.sse, plain.ndjson, envelope.sse, envelope.ndjson, logText];
      const before = memoryUse();
      const ring = new Ring(1e6, new RingBudget(budgetBytes), ORIGIN);
      for (let n = 1; n <= 100_000; n++) {
        const message = `GET /api/orders/${n} 200 ${n % 7 === 0 ? "中文" : "12ms"}`;
        const { type, data } = logDraft({ level: "info", source: "web", message });
        const bell = `E1763710000000 ${n} 1763710000000 1763710000000 0\n${type} ${data.length}\n${data}`;
        // As it comes from a socket: a string of its own.
        const doorbell = parseDoorbell(logs, Buffer.from(bell).toString());
        if (doorbell.kind !== "events") throw new Error("no events");
        const [made] = doorbell.events;
        ring.push(made!);
        for (const format of formats) format.event(made!, "x.1-1");
        logLineOf(made!);
      }
      const grown = memoryUse() - before;
      expect(grown).toBeGreaterThan(budgetBytes * 0.8);
      // Beside the ring, what has been made of the newest events: some MiB, however large the ring.
      expect(grown).toBeLessThan(budgetBytes * 1.1 + 10 * 1024 ** 2);
      expect(ring.length).toBeLessThan(100_000);
    },
  );
});
