import { describe, expect, it } from "vitest";
import { isNews } from "../../src/agent/program-status.ts";
import { cpuTicks, parseStat } from "../../src/agent/proc.ts";
import { ResourceMeter } from "../../src/agent/resource-usage.ts";
import { RestartPolicy, type RestartPolicyOptions } from "../../src/agent/restart-policy.ts";
import { verifies } from "../support/verifies.ts";

const policy = (options: Partial<RestartPolicyOptions>): RestartPolicy =>
  new RestartPolicy({
    mode: "always",
    maxRestarts: undefined,
    delayMs: 1_000,
    random: () => 1,
    ...options,
  });
const failed = { failed: true, ranMs: 10 };
const succeeded = { failed: false, ranMs: 10 };

describe("the agent's restart policy", verifies("agent-restarts"), () => {
  it("starts a program again as its mode says", () => {
    expect(policy({ mode: "no" }).next(failed)).toBeUndefined();
    expect(policy({ mode: "on-failure" }).next(succeeded)).toBeUndefined();
    expect(policy({ mode: "on-failure" }).next(failed)).toBe(1_000);
    expect(policy({ mode: "always" }).next(succeeded)).toBe(1_000);
  });

  it("stops after so many", () => {
    const two = policy({ maxRestarts: 2 });
    expect([failed, failed, failed].map((end) => two.next(end))).toEqual([1_000, 2_000, undefined]);
    expect(two.restarts).toBe(2);
    expect(policy({ maxRestarts: 0 }).next(failed)).toBeUndefined();
  });

  it("waits twice as long each time, up to a minute, with jitter, and begins anew after a steady run", () => {
    const always = policy({});
    const waits = Array.from({ length: 8 }, () => always.next(failed));
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000));
    expect(always.next({ failed: true, ranMs: 60_000 })).toBe(1_000);
    expect(policy({ random: () => 0 }).next(failed)).toBe(500);
    expect(policy({ delayMs: 300_000 }).next(failed)).toBe(300_000);
  });
});

describe("what a program uses", verifies("agent-usage"), () => {
  it("is read past a name that holds spaces and parentheses", () => {
    const stat = parseStat(
      "7 (a) b (c)) S 1 7 7 0 -1 4194560 90 0 0 0 11 22 33 44 20 0 1 0 999 0\n",
    );
    expect(cpuTicks(stat)).toBe(110);
  });

  it.runIf(process.platform === "linux")(
    "is its memory and its processor time per second",
    async () => {
      let now = 0;
      const meter = new ResourceMeter(process.pid, () => now);
      const first = await meter.trySample();
      expect(first!.memoryBytes).toBeGreaterThan(10 * 1024 ** 2);
      expect(first!.cpuCores).toBeUndefined();
      const before = process.cpuUsage();
      while (process.cpuUsage(before).user < 200_000);
      now += 1_000;
      const { cpuCores } = (await meter.trySample())!;
      expect(cpuCores).toBeGreaterThan(0.1);
    },
  );

  it("is nothing of a process that is not there", async () => {
    expect(await new ResourceMeter(2 ** 22 + 1).trySample()).toBeUndefined();
  });

  it("is news where it has changed by more than noise", () => {
    const sample = { cpuCores: 0.5, memoryBytes: 1e8, spooledBytes: 0, droppedLines: 0 };
    expect(isNews(sample, { ...sample, cpuCores: 0.51, memoryBytes: 1.01e8 })).toBe(false);
    for (const change of [
      { cpuCores: 0.6 },
      { memoryBytes: 1.1e8 },
      { spooledBytes: 1 },
      { droppedLines: 1 },
    ])
      expect(isNews(sample, { ...sample, ...change })).toBe(true);
    expect(isNews({}, sample)).toBe(true);
    expect(isNews(sample, { ...sample, spoolTrouble: "ENOSPC" })).toBe(true);
  });
});
