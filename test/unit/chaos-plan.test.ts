import { describe, expect, it } from "vitest";
import { faultsOf } from "../../chaos/faults/kinds.ts";
import { planFaults } from "../../chaos/faults/plan.ts";
import { parseOptions } from "../../chaos/options.ts";
import { Random } from "../../chaos/random.ts";
import { Recovery } from "../../chaos/recovery.ts";

const plan = (seed: number) => planFaults(new Random(seed), faultsOf("standalone"), 120_000);

describe("the plan of a run", () => {
  it("comes from its seed alone", () => {
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
  });

  it("meets every kind of fault, and each within its bounds", () => {
    const faults = plan(7);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(faultsOf("standalone")));
    for (const [i, fault] of faults.entries()) {
      expect(fault.atMs).toBeLessThan(120_000);
      if (i > 0)
        expect(fault.atMs).toBeGreaterThan(faults[i - 1]!.atMs + faults[i - 1]!.durationMs);
    }
  });
});

describe("chance", () => {
  it("is spread evenly, also over seeds that follow each other", () => {
    const mean = (numbers: number[]) => numbers.reduce((a, b) => a + b) / numbers.length;
    const one = new Random(1);
    expect(mean(Array.from({ length: 2_000 }, () => one.next()))).toBeCloseTo(0.5, 1);
    const many = Array.from({ length: 2_000 }, (_, seed) => new Random(seed).next());
    expect(mean(many)).toBeCloseTo(0.5, 1);
    expect(new Set(many).size).toBeGreaterThan(1_990);
  });

  it("of a fork depends on its name, not on the turns of others", () => {
    const random = new Random(1);
    const first = random.fork("a").next();
    random.next();
    expect(random.fork("a").next()).toBe(first);
    expect(random.fork("b").next()).not.toBe(first);
  });
});

describe("the time that mending takes", () => {
  it("ends when every reader has something of each topic that was sent after the fault", () => {
    const recovery = new Recovery(["a x", "b x"]);
    recovery.struck("flush", 1_000);
    recovery.arrived("a x", 1_001, 1_010);
    recovery.arrived("b x", 999, 1_020);
    expect(recovery.times.size).toBe(0);
    expect(recovery.open).toEqual(["flush: b x"]);
    recovery.arrived("b x", 1_002, 1_030);
    expect(recovery.times.get("flush")).toEqual([30]);
    expect(recovery.open).toEqual([]);
  });
});

describe("the command line", () => {
  const parse = (...args: string[]) => parseOptions(args, () => 42);

  it("has a seed of its own, which is told, where none is given", () => {
    expect(parse()).toMatchObject({ firstSeed: 42, seeds: 1, forms: ["standalone"] });
    expect(parse("--seed", "7", "--minutes", "0.5")).toMatchObject({
      firstSeed: 7,
      durationMs: 30_000,
    });
    expect(parse("--help")).toBeUndefined();
  });

  it("names what is wrong", () => {
    expect(() => parse("--seed", "x")).toThrow("--seed must be a whole number");
    expect(() => parse("--minutes", "0")).toThrow("--minutes must be a number above 0");
    expect(() => parse("--redis", "mysql")).toThrow("--redis must be one of memory, standalone");
    expect(() => parse("--fault", "flood")).toThrow("--fault must be one of cut-all");
    expect(() => parse("--redis", "memory", "--fault", "flush")).toThrow("cannot befall");
    expect(() => parse("--control", "x")).toThrow("--control must be one of skipped-heal");
    expect(() => parse("--nonsense")).toThrow("nonsense");
  });
});
