import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import {
  NODE,
  startAgent,
  readLog,
  readStatus,
  messages,
  COUNTER,
  expectCounted,
} from "../support/agent-fixture.ts";
import { AgentProcess } from "../support/agent-process.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

describe("novastream agent", verifies("agent"), () => {
  it("publishes a program's lines and state, and is otherwise as the program itself", async () => {
    await using service: Service = await startTestService();
    const script = "read word; echo out $word; echo err $word >&2; printf 'no end'";
    await using agent = startAgent(service.url, ["sh", "-c", script]);
    await eventually(async () => (await readStatus(service.url)).at(-1)?.phase === "Running");
    agent.child.stdin!.end("in\n");
    expect(await agent.exit()).toBe(0);
    expect(agent.stdout).toBe("out in\nno end");
    expect(agent.stderr).toBe("err in\n");

    const log = await readLog(service.url);
    const of = (source: string) => log.filter((line) => line.source === source);
    expect(messages(of("stdout"))).toEqual(["out in", "no end"]);
    expect(messages(of("stderr"))).toEqual(["err in"]);
    expect(of("stdout").map(({ level }) => level)).toEqual(["info", "info"]);
    expect(of("stderr").map(({ level }) => level)).toEqual(["error"]);
    expect(log).toHaveLength(3);
    for (const { time } of log)
      expect(Math.abs(Date.parse(time!) - Date.now())).toBeLessThan(60_000);

    const states = await readStatus(service.url);
    expect(states.slice(-2).map(({ phase }) => phase)).toEqual(["Running", "Succeeded"]);
    expect(states.at(-2)!.pid).toBeGreaterThan(0);
    expect(states.at(-1)).toMatchObject({ exitCode: 0, restarts: 0, command: `sh -c ${script}` });
    expect(states.at(-1)!.signal).toBeUndefined();
    expect(Date.parse(states.at(-1)!.endedAt!)).toBeGreaterThanOrEqual(
      Date.parse(states.at(-1)!.startedAt),
    );
  });

  it("exits with the program's code, and says so in the last status", async () => {
    await using service = await startTestService();
    await using agent = startAgent(service.url, ["sh", "-c", "exit 3"]);
    expect(await agent.exit()).toBe(3);
    expect((await readStatus(service.url)).at(-1)).toMatchObject({ phase: "Failed", exitCode: 3 });
  });

  it("exits with 128 and the signal that ended the program", async () => {
    await using service = await startTestService();
    await using agent = startAgent(service.url, ["sh", "-c", "kill -KILL $$"]);
    expect(await agent.exit()).toBe(128 + 9);
    const last = (await readStatus(service.url)).at(-1)!;
    expect(last).toMatchObject({ phase: "Failed", signal: "SIGKILL" });
    expect(last.exitCode).toBeUndefined();
  });

  it("exits with 127 where there is no such program, and 126 where it may not run", async () => {
    await using service = await startTestService();
    await using missing = startAgent(service.url, ["no-such-program-here"]);
    expect(await missing.exit()).toBe(127);
    expect(missing.stderr).toBe(
      "novastream: no-such-program-here cannot be started: there is no such program\n",
    );
    expect((await readStatus(service.url)).at(-1)).toMatchObject({
      phase: "Failed",
      exitCode: 127,
      message: "no-such-program-here cannot be started: there is no such program",
    });
    await using plain = startAgent(service.url, ["./package.json"]);
    expect(await plain.exit()).toBe(126);
  });

  it("shows nothing of the program with --quiet, and publishes it all the same", async () => {
    await using service = await startTestService();
    await using agent = startAgent(
      service.url,
      ["sh", "-c", "echo out; echo err >&2"],
      ["--quiet"],
    );
    expect(await agent.exit()).toBe(0);
    expect(agent.stdout + agent.stderr).toBe("");
    expect(messages(await readLog(service.url)).sort()).toEqual(["err", "out"]);
  });

  it("takes the server from NOVASTREAM_SERVER", async () => {
    await using service = await startTestService();
    const args = ["agent", "--name", "web-1", "--", "echo", "--name", "other"];
    await using agent = new AgentProcess(args, { NOVASTREAM_SERVER: `${service.url}/` });
    expect(await agent.exit()).toBe(0);
    expect(messages(await readLog(service.url))).toEqual(["--name other"]);
  });

  it("goes on when whoever watched its output has left", async () => {
    await using service = await startTestService();
    await using agent = startAgent(service.url, COUNTER);
    await agent.says("1é", "stdout");
    agent.child.stdout!.destroy();
    const before = (await readLog(service.url)).length;
    await eventually(async () => (await readLog(service.url)).length > before + 300);
    agent.child.stdin!.end();
    expect(await agent.exit()).toBe(0);
    expectCounted(messages(await readLog(service.url)));
  });

  it("goes on when nobody hears what it has to say itself", async () => {
    let attempts = 0;
    const busy = createServer((request, response) => {
      attempts++;
      request.resume();
      response.writeHead(503).end();
    });
    await once(busy.listen(0, "127.0.0.1"), "listening");
    const { port } = busy.address() as AddressInfo;
    await using agent = startAgent(`http://127.0.0.1:${port}`, ["sh", "-c", "exit 7"]);
    agent.child.stderr!.destroy();
    await eventually(() => attempts > 5);
    agent.child.kill("SIGTERM");
    expect(await agent.exit()).toBe(7);
    busy.close();
  });

  it("ends with the program, though a child of it holds the output open", async () => {
    await using service = await startTestService();
    await using agent = startAgent(service.url, ["sh", "-c", "sleep 300 & echo done $!"]);
    expect(await agent.exit()).toBe(0);
    process.kill(Number(/done (\d+)/.exec(agent.stdout)![1]));
    expect(messages(await readLog(service.url))).toEqual([agent.stdout.trimEnd()]);
  });
});

describe("novastream agent and what programs write", () => {
  it("takes bytes that are no text, and shows U+FFFD for them", async () => {
    await using service = await startTestService();
    const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * i * 31 + i * 7) >> 3));
    const script = `process.stdout.write(Buffer.from("${bytes.toString("base64")}", "base64"))`;
    await using agent = startAgent(service.url, [NODE, "-e", script], ["--quiet"]);
    expect(await agent.exit()).toBe(0);
    const expected: string[] = [];
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(0x0a, start);
      const line = bytes.subarray(start, end === -1 ? bytes.length : end);
      expected.push((line.at(-1) === 0x0d ? line.subarray(0, -1) : line).toString("utf8"));
      start += line.length + 1;
    }
    expect(expected.length).toBeGreaterThan(50);
    expect(expected.join("")).toContain("\ufffd");
    expect(messages(await readLog(service.url))).toEqual(expected);
  });

  it(
    "takes JSON that nobody could read for text, and goes on",
    verifies("json-depth"),
    async () => {
      await using service = await startTestService();
      const lines = [2_000, 5_000, 30_000].map(
        (levels) => `{"level":30,"msg":"m","a":${"[".repeat(levels)}${"]".repeat(levels)}}`,
      );
      const script = `for (const n of [2e3, 5e3, 3e4]) console.log('{"level":30,"msg":"m","a":' + "[".repeat(n) + "]".repeat(n) + "}"); console.log("after")`;
      await using agent = startAgent(service.url, [NODE, "-e", script], ["--quiet"]);
      expect(await agent.exit()).toBe(0);
      expect(agent.stderr).toBe("");
      expect(messages(await readLog(service.url))).toEqual([...lines, "after"]);
    },
  );

  it("sends a line without end in pieces, with no character broken", async () => {
    await using service = await startTestService();
    const script = `process.stdout.write("a" + "é😀".repeat(100_000) + "\\0".repeat(150_000) + "end")`;
    await using agent = startAgent(service.url, [NODE, "-e", script], ["--quiet"]);
    expect(await agent.exit()).toBe(0);
    const log = await readLog(service.url);
    const text = messages(log).join("");
    expect(text === `a${"é😀".repeat(100_000)}${"\0".repeat(150_000)}end`).toBe(true);
    expect(log.length).toBeGreaterThan(10);
    expect(log.map(({ fields }) => fields?.["partial"] ?? false)).toEqual(
      log.map((_, index) => index < log.length - 1),
    );
  });
});

describe("novastream agent and signals", () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    it(`hands ${signal} to the program, which ends as it likes`, async () => {
      await using service = await startTestService();
      const script = `process.on("${signal}", () => { console.log("bye"); process.exit(5); });
        setInterval(() => {}, 1000); console.log("ready");`;
      await using agent = startAgent(service.url, [NODE, "-e", script]);
      await agent.says("ready", "stdout");
      agent.child.kill(signal);
      expect(await agent.exit()).toBe(5);
      expect(messages(await readLog(service.url))).toEqual(["ready", "bye"]);
    });
  }

  it("kills the program on the second signal", async () => {
    await using service = await startTestService();
    const script = `process.on("SIGTERM", () => console.log("not yet"));
      setInterval(() => {}, 1000); console.log("ready");`;
    await using agent = startAgent(service.url, [NODE, "-e", script]);
    await agent.says("ready", "stdout");
    agent.child.kill("SIGTERM");
    await agent.says("not yet", "stdout");
    agent.child.kill("SIGTERM");
    expect(await agent.exit()).toBe(128 + 9);
    expect((await readStatus(service.url)).at(-1)).toMatchObject({ signal: "SIGKILL" });
    expect(messages(await readLog(service.url))).toEqual(["ready", "not yet"]);
  });
});

describe("the novastream command line", () => {
  async function run(...args: string[]) {
    await using cli = new AgentProcess(args);
    const code = await cli.exit();
    return { code, stdout: cli.stdout, stderr: cli.stderr };
  }

  it("teaches with --help", async () => {
    const general = await run("--help");
    expect(general).toMatchObject({ code: 0, stderr: "" });
    expect(general.stdout).toMatch(/^Usage: novastream COMMAND/);
    const agent = await run("agent", "--help");
    expect(agent).toMatchObject({ code: 0, stderr: "" });
    for (const word of ["Usage:", "--server", "NOVASTREAM_SERVER", "Exit codes:", "Examples:"])
      expect(agent.stdout).toContain(word);
  });

  it("answers what it does not understand with one line and exit code 2", async () => {
    const wrong: [string[], RegExp][] = [
      [[], /a command is missing/],
      [["serve"], /there is no command serve/],
      [["agent", "--", "true"], /--name is missing/],
      [["agent", "--name", "web-1"], /the program is missing/],
      [["agent", "--name", "web-1", "--nmae", "x", "--", "true"], /Unknown option '--nmae'/],
    ];
    for (const [args, message] of wrong) {
      const { code, stdout, stderr } = await run(...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^novastream: [^\n]*--help\n$/);
    }
  });
});
