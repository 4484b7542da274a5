import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { containerMemory, containerMemoryLimit } from "../../src/connections/container-memory.ts";
import { type Load, ProcessLoadMeter } from "../../src/connections/load-meter.ts";
import { OverloadGuard, overloadLimits } from "../../src/connections/overload-guard.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { FakeLoadMeter } from "../support/fake-load-meter.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const IDLE: Load = { eventLoopDelayMs: 5, memoryBytes: 100, heapShare: 0.1 };
const LATE: Load = { ...IDLE, eventLoopDelayMs: 500 };
const GIB = 1_024 ** 3;

function guardOf(limits = overloadLimits(500, 1_000)) {
  const meter = new FakeLoadMeter();
  const changes: boolean[] = [];
  const metrics = new Metrics();
  const guard = new OverloadGuard({
    limits,
    meter,
    metrics,
    logger: createLogger({ level: "silent", pretty: false }),
    onChange: (overloaded) => changes.push(overloaded),
  });
  const see = (...loads: Load[]): boolean[] =>
    loads.map((load) => {
      meter.load = load;
      guard.sample();
      return guard.overloaded;
    });
  return { guard, meter, metrics, changes, see };
}

afterEach(() => void vi.useRealTimers());

describe("the overload guard", () => {
  it("takes what lasts for overload, and a hiccup for none", verifies("overload"), async () => {
    const { guard, metrics, changes, see } = guardOf();
    expect(
      see(LATE, LATE, IDLE, LATE, IDLE, { ...LATE, eventLoopDelayMs: 60_000 }, IDLE),
    ).not.toContain(true);
    expect(see(LATE, LATE, LATE)).toEqual([false, false, true]);
    expect(await metrics.registry.metrics()).toMatch(/^streaming_overloaded 1$/m);
    // Just below the limit is no recovery, and neither is a moment of quiet.
    const below = { ...IDLE, eventLoopDelayMs: 460 };
    expect(see(below, below, below, below, below, IDLE, IDLE, IDLE, below)).not.toContain(false);
    expect(see(IDLE, IDLE, IDLE, IDLE)).toEqual([true, true, true, false]);
    expect(await metrics.registry.metrics()).toMatch(/^streaming_overloaded 0$/m);
    expect(changes).toEqual([true, false]);
    await guard[Symbol.asyncDispose]();
  });

  it(
    "looks at resident memory and at V8's heap, as far as there are limits",
    verifies("overload"),
    () => {
      const [full, heap] = [
        { ...IDLE, memoryBytes: 1_000 },
        { ...IDLE, heapShare: 0.96 },
      ];
      expect(guardOf().see(full, full, full)).toEqual([false, false, true]);
      expect(guardOf().see(heap, heap, full)).toEqual([false, false, true]);
      const off = guardOf(overloadLimits(0, 0));
      expect(
        off.see({ ...full, heapShare: 1, eventLoopDelayMs: 1e9 }, full, heap, LATE),
      ).not.toContain(true);
      expect(guardOf(overloadLimits(500, GIB)).see(full, full, full)).not.toContain(true);
    },
  );

  it(
    "samples by itself, once a second, until it is disposed",
    verifies("overload", "shutdown"),
    async () => {
      vi.useFakeTimers();
      const { guard, meter } = guardOf();
      meter.load = LATE;
      vi.advanceTimersByTime(2_999);
      expect(guard.overloaded).toBe(false);
      vi.advanceTimersByTime(1);
      expect(guard.overloaded).toBe(true);
      await guard[Symbol.asyncDispose]();
      expect([meter.disposed, vi.getTimerCount()]).toEqual([true, 0]);
    },
  );
});

describe("the load meter", () => {
  const block = (ms: number): void => {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs);
  };

  it(
    "sees a loop that is mostly blocked, however many quick turns lie between",
    verifies("overload"),
    async () => {
      using meter = new ProcessLoadMeter();
      await delay(60);
      meter.read();
      for (let i = 0; i < 2; i++) {
        block(300);
        await delay(60);
      }
      expect(meter.read().eventLoopDelayMs).toBeGreaterThan(150);
      // The reading itself may come right after a block: it belongs to this one, and not to none.
      block(300);
      expect(meter.read().eventLoopDelayMs).toBeGreaterThan(200);
      await eventually(() => meter.read().eventLoopDelayMs < 100, { everyMs: 200 });
    },
  );

  it("reads the process's memory", verifies("overload"), () => {
    using meter = new ProcessLoadMeter();
    const { memoryBytes, heapShare } = meter.read();
    expect(memoryBytes).toBeGreaterThan(10 * 1_024 ** 2);
    expect(heapShare).toBeGreaterThan(0);
    expect(heapShare).toBeLessThan(1);
  });

  it(
    "reads what counts against a container, but for the cache that the kernel gives back",
    verifies("overload"),
    () => {
      const cgroup = mkdtempSync(join(tmpdir(), "novastream-cgroup-"));
      try {
        expect(containerMemory(cgroup)).toBeUndefined();
        writeFileSync(join(cgroup, "memory.current"), "629145600\n");
        writeFileSync(
          join(cgroup, "memory.stat"),
          "anon 104857600\nsock 268435456\nactive_file 1048576\ninactive_file 104857600\n",
        );
        expect(containerMemory(cgroup)).toBe(500 * 1_024 ** 2);
      } finally {
        rmSync(cgroup, { recursive: true });
      }
    },
  );

  it("knows a container's limit from none", verifies("overload"), () => {
    expect(containerMemoryLimit(GIB, 8 * GIB)).toBe(Math.floor(0.9 * GIB));
    for (const none of [0, 2 ** 64, 8 * GIB]) expect(containerMemoryLimit(none, 8 * GIB)).toBe(0);
    expect(overloadLimits(500, 0)).toEqual({
      eventLoopDelayMs: 500,
      memoryBytes: 0,
      heapShare: 0,
    });
    expect(overloadLimits(500, GIB)).toMatchObject({ memoryBytes: GIB });
    expect(overloadLimits(500, undefined)).toMatchObject({ memoryBytes: containerMemoryLimit() });
  });
});
