import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { LogLine } from "../../src/wire/publish.ts";
import { NODE, startAgent } from "../support/agent-fixture.ts";
import type { AgentProcess } from "../support/agent-process.ts";
import { freePort } from "../support/net.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { verifies } from "../support/verifies.ts";

/** What a program prints here: in CI some tens of megabytes; AGENT_FLOOD_BYTES=1000000000 for the real thing. */
const FLOOD_BYTES = Number(process.env["AGENT_FLOOD_BYTES"] ?? 40_000_000);
const SPOOL_BYTES = 4 * 1024 ** 2;
const KEPT = { RETENTION_LOGS: "100000000,24h", EMBEDDED_LOG_SIZE: "4GiB" };
/** Of the agent: Node itself has some 60 MB, and what it has read and not yet thrown away comes and goes. */
const MEMORY_MAX_BYTES = 250 * 1024 ** 2;

interface Peak {
  memoryBytes: number;
  diskBytes: number;
}

/** The most that the agent has held, looked at again and again until it ends. */
async function peakOf(agent: AgentProcess, spool: string): Promise<Peak> {
  const peak: Peak = { memoryBytes: 0, diskBytes: 0 };
  const timer = setInterval(() => {
    try {
      const files = readdirSync(spool).map((name) => statSync(join(spool, name)).size);
      const bytes = files.reduce((sum, size) => sum + size, 0);
      peak.diskBytes = Math.max(peak.diskBytes, bytes);
      const status = readFileSync(`/proc/${agent.child.pid}/status`, "utf8");
      const kibibytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0);
      peak.memoryBytes = Math.max(peak.memoryBytes, kibibytes * 1_024);
    } catch {
      // A file that has gone between the two looks, or the agent.
    }
  }, 20);
  try {
    expect(await agent.exit()).toBe(0);
  } finally {
    clearInterval(timer);
  }
  return peak;
}

interface Flood {
  readonly program: string;
  readonly away?: boolean;
}

/** Lets a program print, and hands each line that has come to `onLine`. @returns what the agent has said */
async function flood({ program, away }: Flood, onLine: (line: LogLine) => void): Promise<string> {
  const spool = await mkdtemp(join(tmpdir(), "novastream-spool-"));
  onTestFinished(() => rmSync(spool, { recursive: true, force: true }));
  const port = away ? await freePort() : undefined;
  await using early = away ? undefined : await ServiceProcess.start(KEPT);
  const url = early?.url ?? `http://127.0.0.1:${port}`;
  const options = ["--quiet", "--spool", spool, "--spool-size", String(SPOOL_BYTES)];
  await using agent = startAgent(url, [NODE, "-e", program], options);
  const started = performance.now();
  const watched = peakOf(agent, spool);
  let late: ServiceProcess | undefined;
  if (away) {
    await agent.says("cannot deliver");
    late = await ServiceProcess.start({ ...KEPT, PORT: String(port) });
  }
  await using service = late;
  const peak = await watched;
  const seconds = (performance.now() - started) / 1_000;
  if (process.env["AGENT_FLOOD_BYTES"])
    console.log(JSON.stringify({ seconds, ...peak, said: agent.stderr.slice(0, 500) }));
  expect(peak.memoryBytes).toBeLessThan(MEMORY_MAX_BYTES);
  expect(peak.diskBytes).toBeLessThan(SPOOL_BYTES * 1.2);
  await eachLine((service ?? early)!.url, onLine);
  return agent.stderr;
}

async function eachLine(url: string, onLine: (line: LogLine) => void): Promise<void> {
  const query = "format=ndjson&from=earliest&follow=false";
  const response = await fetch(`${url}/api/v1/wukongs/web-1/logs?${query}`);
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const text of lines.filter(Boolean)) {
      const { type, data } = JSON.parse(text) as { type: string; data: LogLine };
      expect(type).not.toBe("gap");
      if (type === "log") onLine(data);
    }
  }
}

const WRITE_ALL = `const write = (bytes) => process.stdout.write(bytes) ||
  new Promise((resolve) => process.stdout.once("drain", resolve));`;

describe("novastream agent and a program that prints without end", verifies("agent-flood"), () => {
  for (const away of [false, true]) {
    it(`is bounded, and tells what was dropped, with the server ${away ? "away" : "there"}`, async () => {
      const text = "x".repeat(90);
      const count = Math.floor(FLOOD_BYTES / 100);
      const program = `${WRITE_ALL}
        (async () => { let out = "";
          for (let n = 1; n <= ${count}; n++) {
            out += n + " ${text}\\n";
            if (out.length > 65536) { await write(out); out = ""; }
          }
          await write(out); })();`;
      let [next, missing] = [1, 0];
      const stderr = await flood({ program, away }, (line) => {
        if (line.source === "agent") {
          const dropped = line.fields!["dropped"] as number;
          [next, missing] = [next + dropped, missing + dropped];
        } else if (Number.parseInt(line.message, 10) !== next++) {
          throw new Error(`${line.message} came instead of ${next - 1}`);
        }
      });
      expect(next).toBe(count + 1);
      if (missing > 0) expect(stderr).toContain(`${missing} of the program's lines were not`);
      if (away) expect(missing).toBeGreaterThan(0);
    }, 900_000);
  }

  it("is bounded by one endless line, of which every piece comes or is said to be missing", async () => {
    const program = `${WRITE_ALL}
      (async () => { const piece = Buffer.alloc(65536, "0123456789abcdef");
        for (let n = 0; n < ${Math.floor(FLOOD_BYTES / 65_536)}; n++) await write(piece);
        await write("end"); })();`;
    let bytes = 0;
    let last = "";
    let lost = 0;
    await flood({ program }, (line) => {
      if (line.source === "agent") {
        lost += line.fields!["dropped"] as number;
        return;
      }
      bytes += line.message.length;
      last = line.message;
      expect(line.message.length).toBeLessThanOrEqual(65_536);
    });
    // A piece has 64 KiB.
    expect(bytes + lost * 65_536).toBe(Math.floor(FLOOD_BYTES / 65_536) * 65_536 + 3);
    expect(last).toBe("end");
  }, 900_000);

  it("is bounded by rubbish", async () => {
    const program = `${WRITE_ALL}
      (async () => { const { randomFillSync } = require("crypto"); const bytes = Buffer.alloc(65536);
        for (let n = 0; n < ${Math.floor(FLOOD_BYTES / 4 / 65_536)}; n++) await write(Buffer.from(randomFillSync(bytes)));
        await write("\\nend\\n"); })();`;
    let last = "";
    await flood({ program }, ({ message }) => (last = message));
    expect(last).toBe("end");
  }, 900_000);
});
