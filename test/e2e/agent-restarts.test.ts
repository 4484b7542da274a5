import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  messages,
  NODE,
  readLog,
  readStatus,
  startAgent,
  type Status,
} from "../support/agent-fixture.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const QUICK = ["--quiet", "--restart-delay", "50"];

describe("novastream agent and a program that ends", verifies("agent-restarts"), () => {
  it("starts it again on failure, tells each phase, and exits with its last code", async () => {
    await using service = await startTestService();
    const options = [...QUICK, "--restart", "on-failure", "--max-restarts", "2"];
    await using agent = startAgent(
      service.url,
      ["sh", "-c", "echo run; sleep 0.3; exit 7"],
      options,
    );
    expect(await agent.exit()).toBe(7);
    expect(messages(await readLog(service.url))).toEqual(["run", "run", "run"]);
    expect(agent.stderr.match(/the program ended with 7; start \d in \d+ ms/g)).toHaveLength(2);
    const states = await readStatus(service.url);
    const running = states.filter(({ phase }) => phase === "Running");
    expect(running.map(({ restarts }) => restarts)).toEqual([0, 1, 2]);
    expect(new Set(running.map(({ pid }) => pid)).size).toBe(3);
    for (const { exitCode, endedAt } of running) expect({ exitCode, endedAt }).toEqual({});
    const last = states.at(-1)!;
    expect(last).toMatchObject({ phase: "Failed", exitCode: 7, restarts: 2 });
    expect(last).not.toHaveProperty("restartAt");
  });

  it("does not start it again after success on failure, nor after a signal that asks for its end", async () => {
    await using service = await startTestService();
    await using done = startAgent(service.url, ["true"], [...QUICK, "--restart", "on-failure"]);
    expect(await done.exit()).toBe(0);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      const script = ["sh", "-c", "echo ready; read end"];
      await using agent = startAgent(service.url, script, [
        "--restart",
        "always",
        "--restart-delay",
        "50",
      ]);
      await agent.says("ready", "stdout");
      agent.child.kill(signal);
      expect(await agent.exit()).toBe(128 + { SIGTERM: 15, SIGINT: 2, SIGHUP: 1 }[signal]);
      expect(agent.stdout).toBe("ready\n");
    }
  });

  it("ends its wait for the next start on a signal, and still delivers the rest", async () => {
    await using service = await startTestService();
    const options = ["--quiet", "--restart", "always", "--restart-delay", "1h"];
    await using agent = startAgent(service.url, ["sh", "-c", "echo once; exit 5"], options);
    await eventually(async () => (await readStatus(service.url)).at(-1)?.phase === "Restarting");
    const waiting = (await readStatus(service.url)).at(-1)!;
    expect(waiting).toMatchObject({ exitCode: 5, restarts: 0 });
    expect(waiting).toHaveProperty("restartAt");
    agent.child.kill("SIGTERM");
    expect(await agent.exit()).toBe(5);
    expect(messages(await readLog(service.url))).toEqual(["once"]);
    expect((await readStatus(service.url)).at(-1)).toMatchObject({ phase: "Failed", exitCode: 5 });
  });

  it("does not try again what could not be started at all", async () => {
    await using service = await startTestService();
    const options = [...QUICK, "--restart", "always"];
    await using agent = startAgent(service.url, ["no-such-program-here"], options);
    expect(await agent.exit()).toBe(127);
  });

  it("hands SIGUSR1, SIGUSR2 and SIGQUIT to the program", async () => {
    await using service = await startTestService();
    const script = `for (const name of ["SIGUSR2", "SIGQUIT"]) process.on(name, () => console.log(name));
      process.on("SIGUSR1", () => { console.log("SIGUSR1"); });
      process.stdin.on("end", () => process.exit(0)).resume(); console.log("ready");`;
    await using agent = startAgent(service.url, [NODE, "-e", script]);
    await agent.says("ready", "stdout");
    for (const signal of ["SIGUSR1", "SIGUSR2", "SIGQUIT"] as const) {
      agent.child.kill(signal);
      await agent.says(signal, "stdout");
    }
    agent.child.stdin!.end();
    expect(await agent.exit()).toBe(0);
  });
});

describe("novastream agent and what a program uses", verifies("agent-usage"), () => {
  it.runIf(process.platform === "linux")("tells it of the program and its children", async () => {
    await using service = await startTestService();
    // The child of a shell holds 64 MB and keeps a core busy until its stdin ends.
    const child = `const held = Buffer.alloc(64 * 1024 ** 2, 1);
      const busy = () => { const end = Date.now() + 40; while (Date.now() < end) held[0]++; };
      setInterval(busy, 50); process.stdin.on("end", () => process.exit(0)).resume();`;
    const program = ["sh", "-c", `"$0" -e '${child}'; exit $?`, NODE];
    await using agent = startAgent(service.url, program, ["--quiet", "--status-interval", "1s"]);
    const status = await eventually(async () => {
      const last: Status | undefined = (await readStatus(service.url)).at(-1);
      return (last?.cpuCores ?? 0) > 0.2 ? last : undefined;
    });
    expect(status).toMatchObject({ phase: "Running", droppedLines: 0 });
    expect(status.cpuCores).toBeLessThan(2);
    expect(status.memoryBytes).toBeGreaterThan(64 * 1024 ** 2);
    // The shell alone has little.
    const shell = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${status.pid}/status`, "utf8"))![1];
    expect(Number(shell) * 1_024).toBeLessThan(16 * 1024 ** 2);
    agent.child.stdin!.end();
    expect(await agent.exit()).toBe(0);
    const last = (await readStatus(service.url)).at(-1)!;
    expect(last).toMatchObject({ phase: "Succeeded", spooledBytes: 0 });
    expect(last).not.toHaveProperty("cpuCores");
  });
});

describe("novastream agent and what loggers write", verifies("agent-lines"), () => {
  it("takes levels and fields from it, and joins stack traces", async () => {
    await using service = await startTestService();
    const json = `{"level":40,"time":1795258174306,"pid":1,"msg":"slow"}`;
    const script = `echo '${json}'; echo 'ERROR no'; echo '  at a'; echo '  at b'; echo plain`;
    const options = ["--quiet", "--multiline", "indent"];
    await using agent = startAgent(service.url, ["sh", "-c", script], options);
    expect(await agent.exit()).toBe(0);
    expect(await readLog(service.url)).toMatchObject([
      { level: "warn", time: "2026-11-21T10:49:34.306Z", message: "slow", fields: { pid: 1 } },
      { level: "error", message: "ERROR no\n  at a\n  at b" },
      { level: "info", message: "plain" },
    ]);
  });
});
