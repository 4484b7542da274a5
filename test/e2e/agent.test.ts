import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import type { LogLine } from "../../src/wire/publish.ts";
import { AgentProcess } from "../support/agent-process.ts";
import { freePort } from "../support/net.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { UploadCuttingProxy } from "../support/upload-cutting-proxy.ts";
import { eventually } from "../support/wait.ts";

const NODE = process.execPath;

function startAgent(server: string, program: readonly string[], options: readonly string[] = []) {
  return new AgentProcess([
    "agent",
    "--name",
    "web-1",
    "--server",
    server,
    ...options,
    "--",
    ...program,
  ]);
}

async function readTopic<T>(url: string, path: string): Promise<T[]> {
  const query = "format=ndjson&from=earliest&follow=false";
  const response = await fetch(`${url}/api/v1/wukongs/web-1/${path}?${query}`);
  expect(response.status).toBe(200);
  const items = (await response.text())
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { type: string; data: T });
  expect(items.filter(({ type }) => type === "gap")).toEqual([]);
  return items.filter(({ type }) => type === "log" || type === "status").map(({ data }) => data);
}

interface Status {
  phase: string;
  command: string;
  pid?: number;
  host: string;
  startedAt: string;
  endedAt?: string;
  exitCode?: number;
  signal?: string;
  restarts: number;
  message?: string;
}

const readLog = (url: string): Promise<LogLine[]> => readTopic<LogLine>(url, "logs");
const readStatus = (url: string): Promise<Status[]> => readTopic<Status>(url, "stream");
const messages = (lines: readonly LogLine[]): string[] => lines.map(({ message }) => message);

/** What `seq 1 count` prints. */
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i + 1));

/** Each once and in order; of thousands, the first that differs tells more than all. */
function expectLines(actual: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((line, index) => line !== actual[index]);
  if (at !== -1)
    expect({ at, lines: actual.slice(at, at + 3) }).toEqual({
      at,
      lines: expected.slice(at, at + 3),
    });
  expect(actual).toHaveLength(expected.length);
}

/** A program that counts, a thousand lines a second, until its stdin ends; then it says how far it has come. */
const COUNTER = [
  NODE,
  "-e",
  `let n = 0;
   const line = () => String(++n) + "é😀".repeat(40);
   const timer = setInterval(() => { for (let i = 0; i < 10; i++) console.log(line()); }, 10);
   process.stdin.on("end", () => { clearInterval(timer); console.log("of " + n); }).resume();`,
];

/** All that COUNTER has printed. */
function expectCounted(actual: readonly string[]): void {
  const count = Number(actual.at(-1)!.replace("of ", ""));
  expect(count).toBeGreaterThan(300);
  const expected = numbers(count).map((n) => n + "é😀".repeat(40));
  expectLines(actual, [...expected, `of ${count}`]);
}

describe("novastream agent", () => {
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

describe("novastream agent and a server that is not always there", () => {
  it("keeps everything while the server is away, and delivers it once and in order", async () => {
    const port = await freePort();
    await using agent = startAgent(`http://127.0.0.1:${port}`, ["sh", "-c", "seq 1 3000; exit 4"]);
    await agent.says("cannot deliver");
    await using service = await startTestService({ PORT: String(port) });
    expect(await agent.exit()).toBe(4);
    expectLines(messages(await readLog(service.url)), numbers(3_000));
    // Of the states that the server has missed, only the newest counts.
    const states = await readStatus(service.url);
    expect(states.at(-1)).toMatchObject({ phase: "Failed", exitCode: 4 });
    expect(agent.stderr).toContain("delivering to");
    expect(agent.stderr).not.toContain("not delivered");
  });

  it("delivers each line once and in order through connections that break again and again", async () => {
    await using service = await startTestService({ RETENTION_LOGS: "100000,24h" });
    const never = Number.POSITIVE_INFINITY;
    const CUTS = 20;
    let turn = 0;
    await using proxy: UploadCuttingProxy = await UploadCuttingProxy.start(
      () => new URL(service.url),
      () => {
        // In a head, anywhere in a body of some 20 KB, in an answer's head and in its lines.
        const [up, down] = [Math.random() ** 2 * 100_000, Math.random() ** 2 * 2_500];
        if (proxy.cuts.up >= CUTS && proxy.cuts.down >= CUTS) return { up: never, down: never };
        return ++turn % 2 === 0
          ? { up: 1 + Math.floor(up), down: never }
          : { up: never, down: 1 + Math.floor(down) };
      },
    );
    await using agent = startAgent(proxy.url, COUNTER, ["--quiet"]);
    await eventually(() => proxy.cuts.up >= CUTS && proxy.cuts.down >= CUTS, { timeoutMs: 50_000 });
    agent.child.stdin!.end();
    expect(await agent.exit()).toBe(0);
    expect(agent.stderr).not.toContain("not delivered");
    expectCounted(messages(await readLog(service.url)));
    expect((await readStatus(service.url)).at(-1)).toMatchObject({ phase: "Succeeded" });
  });

  it("delivers each line once and in order over the death of a server, to another one", async () => {
    await using redis = await TestRedis.start();
    const environment = { REDIS_URL: redis.url, RETENTION_LOGS: "100000,24h" };
    await using first = await ServiceProcess.start(environment);
    await using second = await ServiceProcess.start(environment);
    let url = first.url;
    const cut = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
    await using proxy = await UploadCuttingProxy.start(
      () => new URL(url),
      () => cut,
    );
    await using agent = startAgent(proxy.url, COUNTER, ["--quiet"]);
    await eventually(async () => (await readLog(first.url)).length >= 300, { everyMs: 50 });
    await first.stop("SIGKILL");
    await agent.says("cannot deliver");
    url = second.url;
    await agent.says("delivering to");
    agent.child.stdin!.end();
    expect(await agent.exit()).toBe(0);
    expectCounted(messages(await readLog(second.url)));
  });

  it("drops the oldest lines when its buffer is full, and says in their place exactly how many", async () => {
    const port = await freePort();
    const LINES = 6_000;
    const program = ["sh", "-c", `seq -f '%.0f ${"x".repeat(100)}' 1 ${LINES}; read end`];
    const options = ["--buffer", "256KiB"];
    await using agent = startAgent(`http://127.0.0.1:${port}`, program, options);
    await agent.says(`\n${LINES} x`, "stdout");
    await using service = await startTestService({ PORT: String(port) });
    agent.child.stdin!.end("\n");
    expect(await agent.exit()).toBe(0);

    let next = 1;
    let missing = 0;
    for (const line of await readLog(service.url)) {
      if (line.source === "agent") {
        const count = line.fields!["missing"] as number;
        expect(line).toMatchObject({ level: "warn", fields: { reason: "overflow" } });
        expect(line.message).toContain(`${count} lines are missing here`);
        missing += count;
        next += count;
      } else {
        expect(line.message).toBe(`${next++} ${"x".repeat(100)}`);
      }
    }
    expect(next).toBe(LINES + 1);
    expect(missing).toBeGreaterThan(2_000);
    expect(agent.stderr).toContain(`${missing} of the program's lines were not delivered`);
  });

  it("gives the rest up on a signal when the program has ended, and says how many lines that are", async () => {
    const port = await freePort();
    await using agent = startAgent(`http://127.0.0.1:${port}`, ["sh", "-c", "seq 1 10; exit 6"]);
    await agent.says("cannot deliver");
    agent.child.kill("SIGTERM");
    expect(await agent.exit()).toBe(6);
    expect(agent.stderr).toContain("10 of the program's lines were not delivered");
    expect(agent.stderr).toContain("the last status was not delivered");
  });

  it("loses of a refused line only that line, and says so in its place", async () => {
    await using service = await startTestService({ MAX_EVENT_SIZE: "1KiB" });
    const script = `echo before; printf '%02000d\\n' 0; echo after`;
    await using agent = startAgent(service.url, ["sh", "-c", script], ["--quiet"]);
    expect(await agent.exit()).toBe(0);
    const log = await readLog(service.url);
    expect(messages(log)).toEqual([
      "before",
      "1 line is missing here: the server refused them",
      "after",
    ]);
    expect(agent.stderr).toContain("the server refuses log lines");
    expect(agent.stderr).toContain("1 of the program's lines were not delivered");
  });

  it("does not besiege a server that refuses it", async () => {
    let requests = 0;
    const server = createServer((request, response) => {
      requests++;
      request.resume();
      response.writeHead(401, { "content-type": "application/problem+json" });
      const detail = "Who are you?";
      response.end(JSON.stringify({ code: "unauthorized", detail, retryable: false }));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    await using agent = startAgent(`http://127.0.0.1:${port}`, ["seq", "1", "2000"], ["--quiet"]);
    expect(await agent.exit()).toBe(0);
    server.close();
    // Some batches of up to 500 lines and three states, each once.
    expect(requests).toBeGreaterThanOrEqual(5);
    expect(requests).toBeLessThanOrEqual(20);
    expect(agent.stderr.match(/the server refuses log lines.*Who are you\?/g)).toHaveLength(1);
    expect(agent.stderr).toContain("2000 of the program's lines were not delivered");
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
    for (const word of ["Usage:", "--server", "NOVASTREAM_SERVER", "Exit codes:", "Example:"])
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
