import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

/** Runs the benchmark to its end; the service must have been built. */
async function runBench(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", "bench/main.ts", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await exited) as [number | null];
  return { code, stdout, stderr };
}

test("the benchmark runs to its end, loses nothing and prints a table", async () => {
  const { code, stdout, stderr } = await runBench("--quick");

  expect(stderr).toContain("round 1/1: NovaStream, single");
  expect(stdout).toMatch(/^\| measure \|.*\| budget \|$/m);
  expect(stdout).toMatch(/^\| one event a publish: deliveries per second \| [\d,]+ \| [\d,]+ \|/m);
  expect(stdout).toMatch(/^Lost: 0, doubled: 0, of [1-9][\d,]* deliveries\.$/m);
  expect(code).toBe(0);
});

test("a wrong option is named, and nothing is started", async () => {
  const { code, stdout, stderr } = await runBench("--readers", "many");

  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("--readers must be a whole number");
});
