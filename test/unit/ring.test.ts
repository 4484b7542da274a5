import { describe, expect, it } from "vitest";
import { weigh } from "../../src/hub/batch.ts";
import { Ring, RingBudget } from "../../src/hub/ring.ts";
import { createEvent } from "../../src/log/event.ts";
import { ORIGIN } from "../../src/log/position.ts";
import { parseTopic } from "../../src/log/topic.ts";

const topic = parseTopic("app:ring");
const event = (n: number) =>
  createEvent(topic, { ms: 1_000, n }, 1_000, { type: "tick", data: "x".repeat(100) }, false);
const WEIGHT = weigh(event(1));

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
});
