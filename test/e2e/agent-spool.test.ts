import { execFileSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { LogLine } from "../../src/wire/publish.ts";
import {
  expectLines,
  messages,
  NODE,
  numbers,
  readLog,
  readStatus,
  startAgent,
} from "../support/agent-fixture.ts";
import { freePort } from "../support/net.ts";
import { startTestService } from "../support/service.ts";
import { UploadCuttingProxy } from "../support/upload-cutting-proxy.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const never = Number.POSITIVE_INFINITY;
const LARGE_LOG = { RETENTION_LOGS: "1000000,24h" };

async function makeSpool(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "novastream-spool-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const batches = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name.endsWith(".batch"));

/** Prints `count` numbered lines of about 100 bytes, says so, and waits. */
const printer = (count: number): string[] => [
  "sh",
  "-c",
  `seq -f '%.0f ${"x".repeat(95)}' 1 ${count}; echo printed; read end`,
];
const padded = (count: number): string[] => numbers(count).map((n) => `${n} ${"x".repeat(95)}`);

/** Each line of the program once and in order, or counted as missing just there. @returns how many are missing */
function expectTold(log: readonly LogLine[], total: number): number {
  let next = 1;
  let missing = 0;
  for (const line of log) {
    if (line.source === "agent") {
      const dropped = line.fields!["dropped"] as number;
      expect(line.level).toBe("warn");
      missing += dropped;
      next += dropped;
    } else if (line.message !== "printed") {
      expect(Number.parseInt(line.message, 10)).toBe(next++);
    }
  }
  expect(next).toBe(total + 1);
  return missing;
}

describe("novastream agent and its spool", verifies("agent-spool"), () => {
  it("has on disk what it shows: killed at once, the next agent delivers it all", async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const spool = await makeSpool();
    const LINES = 20_000;
    {
      await using agent = startAgent(url, printer(LINES), ["--spool", spool]);
      await agent.says("printed", "stdout");
      agent.child.kill("SIGKILL");
      await expect(agent.exit()).rejects.toThrow(/SIGKILL/);
    }
    await using service = await startTestService({ PORT: String(port), ...LARGE_LOG });
    await using next = startAgent(url, ["echo", "next"], ["--spool", spool]);
    expect(await next.exit()).toBe(0);
    expect(next.stderr).toContain(`${LINES + 1} lines of an earlier run are in ${spool}`);
    expectLines(messages(await readLog(service.url)), [...padded(LINES), "printed", "next"]);
    expect(batches(spool)).toEqual([]);
  });

  it("delivers each line once and in order, killed again and again in the middle of sending", async () => {
    await using service = await startTestService(LARGE_LOG);
    const LINES = 30_000;
    const KILLS = 8;
    const spool = await makeSpool();
    {
      const away = `http://127.0.0.1:${await freePort()}`;
      await using agent = startAgent(away, printer(LINES), ["--spool", spool]);
      await agent.says("printed", "stdout");
      agent.child.kill("SIGKILL");
      await expect(agent.exit()).rejects.toThrow(/SIGKILL/);
    }
    for (let kill = 0; kill < KILLS; kill++) {
      // It breaks somewhere in a batch of some 170 KB, on its way or on its answer's, and the agent dies there.
      const up = kill % 2 === 0;
      const at = up ? 1 + Math.floor(Math.random() * 400_000) : 1 + Math.floor(Math.random() * 900);
      await using proxy = await UploadCuttingProxy.start(
        () => new URL(service.url),
        () => ({ up: up ? at : never, down: up ? never : at }),
      );
      await using agent = startAgent(proxy.url, ["sh", "-c", "read end"], ["--spool", spool]);
      await eventually(() => proxy.cuts.up + proxy.cuts.down > 0);
      agent.child.kill("SIGKILL");
      await expect(agent.exit()).rejects.toThrow(/SIGKILL/);
    }
    const left = batches(spool).length;
    await using last = startAgent(service.url, ["true"], ["--spool", spool]);
    expect(await last.exit()).toBe(0);
    expectLines(messages(await readLog(service.url)), [...padded(LINES), "printed"]);
    expect(left).toBeGreaterThan(0);
  });

  it("drops the oldest beyond its size, and says so in their place", async () => {
    const port = await freePort();
    const LINES = 40_000;
    const spool = await makeSpool();
    const options = [
      "--spool",
      spool,
      "--spool-size",
      "1MiB",
      "--quiet",
      "--status-interval",
      "1s",
    ];
    await using agent = startAgent(`http://127.0.0.1:${port}`, printer(LINES), options);
    await agent.says("cannot deliver");
    await eventually(() => batches(spool).length > 3);
    await using service = await startTestService({ PORT: String(port), ...LARGE_LOG });
    agent.child.stdin!.end("\n");
    expect(await agent.exit()).toBe(0);
    const missing = expectTold(await readLog(service.url), LINES);
    expect(missing).toBeGreaterThan(20_000);
    expect(agent.stderr).toContain(`${missing} of the program's lines were not delivered`);
    expect((await readStatus(service.url)).at(-1)).toMatchObject({ droppedLines: missing });
  });

  it("keeps lines in memory when the disk takes no more, says so, and comes back", async () => {
    const port = await freePort();
    const spool = await makeSpool();
    const LINES = 3_000;
    const script = `const line = (n) => n + " " + "x".repeat(95) + "\\n";
      let out = ""; for (let n = 1; n <= ${LINES}; n++) out += line(n);
      process.stdout.write(out); setInterval(() => {}, 1000);
      process.stdin.once("data", () => process.stdout.write(line(${LINES + 1}))).on("end", () => process.exit());`;
    // A real error in the middle of a write: a file may have no more than 64 blocks of 512 bytes.
    const options = ["--spool", spool, "--quiet"];
    const url = `http://127.0.0.1:${port}`;
    await using agent = startAgent(url, [NODE, "-e", script], options, "ulimit -S -f 64");
    await agent.says("the spool cannot be written (EFBIG");
    await agent.says("cannot deliver");
    execFileSync("prlimit", ["--pid", String(agent.child.pid), "--fsize=unlimited:unlimited"]);
    await agent.says("the spool can be written again");
    agent.child.kill("SIGKILL");
    await expect(agent.exit()).rejects.toThrow(/SIGKILL/);
    await using service = await startTestService({ PORT: String(port), ...LARGE_LOG });
    await using next = startAgent(url, ["true"], ["--spool", spool]);
    expect(await next.exit()).toBe(0);
    expectLines(messages(await readLog(service.url)), padded(LINES));
  });

  it("runs the program without a spool where it can have none, and says so once", async () => {
    await using service = await startTestService();
    const spool = await makeSpool();
    await using first = startAgent(
      service.url,
      ["sh", "-c", "echo first; read end"],
      ["--spool", spool],
    );
    await first.says("first", "stdout");
    await using second = startAgent(service.url, ["echo", "second"], ["--spool", spool]);
    expect(await second.exit()).toBe(0);
    expect(second.stderr).toMatch(
      /^novastream: there is no spool on disk \(.* is in use by the agent with the pid \d+\): .*\n$/,
    );
    await using third = startAgent(service.url, ["echo", "third"], ["--spool", "/dev/null/spool"]);
    expect(await third.exit()).toBe(0);
    expect(third.stderr).toMatch(/^novastream: there is no spool on disk \(ENOTDIR.*\n$/);
    first.child.stdin!.end("\n");
    expect(await first.exit()).toBe(0);
    expect(messages(await readLog(service.url)).sort()).toEqual(["first", "second", "third"]);
  });
});
