import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { killGroup, type Reaper } from "../reaper.ts";
import type { Command } from "./subject.ts";

const START_TIMEOUT_MS = 20_000;
/** Of what a subject has written, for when it fails. */
const OUTPUT_MAX = 4_000;
/** `USER_HZ` of every Linux that Node runs on: the unit of times in /proc. */
const TICKS_PER_SECOND = 100;

export interface SubjectStart {
  /** As messages call it. */
  readonly title: string;
  readonly reaper: Reaper;
  command(port: number): Command;
}

/** A running server, and what it and its children have used so far. */
export class SubjectProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;
  #output = "";

  private constructor(start: SubjectStart, port: number) {
    this.port = port;
    this.#child = start.reaper.spawn(start.command(port), ["ignore", "pipe", "pipe"]);
    // Without a listener the failure to spawn would be thrown; the start notices it by the missing pid.
    this.#child.on("error", (error) => (this.#output += String(error)));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_MAX);
      });
    }
  }

  /** Resolves once it accepts connections. @throws where it ends instead, with what it has said */
  static async start(start: SubjectStart): Promise<SubjectProcess> {
    const process = new SubjectProcess(start, await freePort());
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await accepts(process.port))) {
      if (process.#ended || performance.now() > deadline) {
        await process[Symbol.asyncDispose]();
        throw new Error(`${start.title} did not start: ${process.#output}`);
      }
      await delay(20);
    }
    return process;
  }

  get #ended(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  /** CPU time of all its processes and threads, user and system, in seconds (proc(5), /proc/pid/stat). */
  async cpuSeconds(): Promise<number> {
    const stats = await groupStats(this.#child.pid!);
    const ticks = stats.reduce((sum, { cpuTicks }) => sum + cpuTicks, 0);
    return ticks / TICKS_PER_SECOND;
  }

  /** Memory that is resident now, in KB of 1,024 bytes (proc(5), /proc/pid/status). */
  async residentKb(): Promise<number> {
    const stats = await groupStats(this.#child.pid!);
    const resident = stats.map(async ({ pid }) => {
      const status = await readFile(`/proc/${pid}/status`, "latin1");
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    });
    return (await Promise.all(resident)).reduce((a, b) => a + b, 0);
  }

  /** Nothing is drained: what it holds is of no worth. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const exited = once(this.#child, "exit");
    killGroup(this.#child);
    await exited;
  }
}

/** Of every process of the group: a server may do its work in children (nginx does). */
async function groupStats(group: number): Promise<{ pid: string; cpuTicks: number }[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const stats = pids.map(async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
    // The second field is a name in parentheses, which may hold anything; the group is the 5th, and utime and stime are
    // the 14th and 15th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid, group: Number(fields[2]), cpuTicks: Number(fields[11]) + Number(fields[12]) };
  });
  return (await Promise.all(stats)).filter((stat) => stat.group === group);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
