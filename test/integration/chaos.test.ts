import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { type ControlName, CONTROLS, createBuild } from "../../chaos/controls.ts";
import type { RunResult } from "../../chaos/result.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

/** The tool in a process group of its own, which must be empty once it has ended; the service must have been built. */
function startChaos(...args: string[]) {
  const command = ["--import", "tsx", "chaos/main.ts", ...args];
  const child = spawn(process.execPath, command, {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const ended = Promise.all([text(child.stdout), once(child, "exit")]).then(
    ([stdout, [code]]: [string, unknown[]]) => ({ code, stdout, stderr }),
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (said: string) => (stderr += said));
  return { ended, pid: child.pid!, said: () => stderr };
}

/** What ends with its parent ends a moment after it. */
async function nothingIsLeft(group: number): Promise<void> {
  const isEmpty = () => {
    try {
      return !process.kill(-group, 0);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ESRCH";
    }
  };
  await eventually(isEmpty, { timeoutMs: 3_000, what: "the end of all processes" });
}

async function runChaos(...args: string[]) {
  const { ended, pid } = startChaos(...args, "--json");
  const { code, stdout, stderr } = await ended;
  await nothingIsLeft(pid);
  const results = stdout === "" ? [] : (JSON.parse(stdout) as RunResult[]);
  return { code, stderr, result: results[0]! };
}

describe("a short run of the fault matrix", () => {
  for (const [form, faults] of [
    ["memory", []],
    ["standalone", ["flush", "redis-kill", "service-kill", "follow-kill", "redis-freeze"]],
    ["sentinel", ["flush", "master-kill", "follow-kill", "service-kill"]],
    ["cluster", ["flush", "master-kill", "slot-move", "service-term", "follow-kill"]],
  ] as const) {
    it(`is clean on ${form}`, verifies("chaos-run"), async () => {
      const { code, result, stderr } = await runChaos(
        "--seed=3",
        "--minutes=0.12",
        `--redis=${form}`,
        ...faults.map((kind) => `--fault=${kind}`),
      );
      expect(result.examples, stderr).toEqual([]);
      expect(result.findings).toEqual(
        Object.fromEntries(Object.keys(result.findings).map((fault) => [fault, 0])),
      );
      expect(Object.keys(result.deliveredBy).sort()).toEqual([
        "long-poll",
        "ndjson",
        "sse",
        "text",
        "websocket",
      ]);
      expect(result.published).toBeGreaterThan(100);
      expect(result.cuts).toBeGreaterThan(10);
      // How many there are in so short a run depends on how long the first ones last: a failover takes seconds.
      expect(Object.keys(result.struck).length).toBeGreaterThan(0);
      expect(code).toBe(0);
    });
  }

  it("ends all that it has started when it is interrupted", verifies("chaos-run"), async () => {
    const { ended, pid, said } = startChaos("--minutes=5");
    await eventually(() => / s {2}[a-z]/.test(said()), { what: "the first fault" });
    process.kill(pid, "SIGINT");
    const { code, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toContain("stopped by SIGINT");
    await nothingIsLeft(pid);
  });
});

describe("a planted bug", () => {
  it("can be planted in the build as it is now", async () => {
    for (const name of Object.keys(CONTROLS) as ControlName[]) {
      await using build = await createBuild(name);
      expect(build.entry).toMatch(/main\.js$/);
    }
  });

  for (const [control, faults, found] of [
    ["skipped-heal", ["--fault=follow-kill"], "lost"],
    ["doubled-append", ["--fault=cut-all"], "doubled"],
    ["cutover-off-by-one", ["--fault=cut-all"], "untold"],
    ["deaf-reader", ["--fault=cut-all"], "late"],
  ] as const) {
    it(`is found: ${control}`, verifies("chaos-controls"), async () => {
      const { code, result } = await runChaos(
        "--seed=1",
        "--minutes=0.07",
        `--control=${control}`,
        ...faults,
      );
      expect(result.findings[found]).toBeGreaterThan(0);
      expect(code).toBe(1);
    });
  }
});
