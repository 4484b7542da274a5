import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type Subject, TITLES } from "./subject.ts";

const START_TIMEOUT_MS = 20_000;
/** Of what a subject has written, for when it fails. */
const OUTPUT_MAX = 4_000;
/** `USER_HZ` of every Linux that Node runs on: the unit of times in /proc. */
const TICKS_PER_SECOND = 100;

/** A running subject, and what it has used so far. */
export class SubjectProcess implements AsyncDisposable {
  readonly subject: Subject;
  readonly port: number;
  readonly #child: ChildProcess;
  #output = "";

  private constructor(subject: Subject, port: number) {
    this.subject = subject;
    this.port = port;
    const { file, args, env } = subject.command(port);
    this.#child = spawn(file, args, {
      env: { PATH: process.env["PATH"], NODE_ENV: "production", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    // Without a listener the failure to spawn would be thrown; the start notices it by the missing pid.
    this.#child.on("error", (error) => (this.#output += String(error)));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_MAX);
      });
    }
  }

  /** Resolves once it accepts connections. @throws where it ends instead, with what it has said */
  static async start(subject: Subject): Promise<SubjectProcess> {
    const process = new SubjectProcess(subject, await freePort());
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await accepts(process.port))) {
      if (process.#ended || performance.now() > deadline) {
        await process[Symbol.asyncDispose]();
        throw new Error(`${TITLES[subject.name]} did not start: ${process.#output}`);
      }
      await delay(20);
    }
    return process;
  }

  get #ended(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  /** CPU time of all its threads, user and system, in seconds (proc(5), /proc/pid/stat). */
  async cpuSeconds(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, "latin1");
    // The second field is a name in parentheses, which may hold anything; utime and stime are the 14th and 15th.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Memory that is resident now, in KB of 1,024 bytes (proc(5), /proc/pid/status). */
  async residentKb(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "latin1");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  }

  /** Nothing is drained: what it holds is of no worth. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
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
