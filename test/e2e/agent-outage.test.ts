import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import {
  startAgent,
  readLog,
  readStatus,
  messages,
  numbers,
  expectLines,
  COUNTER,
  expectCounted,
} from "../support/agent-fixture.ts";
import { freePort } from "../support/net.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { UploadCuttingProxy } from "../support/upload-cutting-proxy.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

describe("novastream agent and a server that is not always there", verifies("agent-away"), () => {
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
    const options = ["--no-spool", "--buffer", "256KiB"];
    await using agent = startAgent(`http://127.0.0.1:${port}`, program, options);
    await agent.says(`\n${LINES} x`, "stdout");
    await using service = await startTestService({ PORT: String(port) });
    agent.child.stdin!.end("\n");
    expect(await agent.exit()).toBe(0);

    let next = 1;
    let missing = 0;
    for (const line of await readLog(service.url)) {
      if (line.source === "agent") {
        const count = line.fields!["dropped"] as number;
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
    expect(agent.stderr).toContain("10 lines are kept in ");
    expect(agent.stderr).not.toContain("of the program's lines were not delivered");
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
    // Some batches of up to 1,000 lines, a word in the place of each, and three states, each once.
    expect(requests).toBeGreaterThanOrEqual(4);
    expect(requests).toBeLessThanOrEqual(20);
    expect(agent.stderr.match(/the server refuses log lines.*Who are you\?/g)).toHaveLength(1);
    expect(agent.stderr).toContain("2000 of the program's lines were not delivered");
  });
});
