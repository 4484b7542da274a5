import { readdir, readFile } from "node:fs/promises";
import { cpuTicks, parseStat } from "./proc.ts";

/** Of the clock in `/proc/PID/stat`: Linux promises programs 100 a second, whatever the kernel's own is. */
const TICKS_PER_SECOND = 100;
/** A program that forks without end must not make us read for ever. */
const MAX_PROCESSES = 1_000;

/** What a program and its descendants use. */
export interface ResourceUsage {
  /** Processor time since the last sample, per second of time: 1 = one core, busy. Absent in the first sample. */
  readonly cpuCores?: number;
  /** Resident memory; what several of them share counts for each. */
  readonly memoryBytes: number;
}

interface Sample {
  readonly ticks: number;
  readonly memoryBytes: number;
}

/** Measures one program, sample by sample. */
export class ResourceMeter {
  readonly #pid: number;
  readonly #now: () => number;
  #last: { readonly ticks: number; readonly at: number } | undefined;

  constructor(pid: number, now: () => number = () => performance.now()) {
    this.#pid = pid;
    this.#now = now;
  }

  /** Undefined where the system does not tell (there is no /proc), and when the program has gone. */
  async trySample(): Promise<ResourceUsage | undefined> {
    const at = this.#now();
    const sample = await treeSample(this.#pid);
    if (!sample) return undefined;
    const last = this.#last;
    this.#last = { ticks: sample.ticks, at };
    const { memoryBytes } = sample;
    if (!last || at <= last.at) return { memoryBytes };
    // A child that nobody waited for takes its time with it.
    const ticks = Math.max(0, sample.ticks - last.ticks);
    const cores = ticks / TICKS_PER_SECOND / ((at - last.at) / 1_000);
    return { memoryBytes, cpuCores: Math.round(cores * 100) / 100 };
  }
}

async function treeSample(root: number): Promise<Sample | undefined> {
  let [ticks, memoryBytes, found] = [0, 0, 0];
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined && found < MAX_PROCESSES; pid = pending.pop()) {
    const sample = await tryProcessSample(pid);
    if (!sample) continue;
    found++;
    ticks += sample.ticks;
    memoryBytes += sample.memoryBytes;
    pending.push(...(await childrenOf(pid)));
  }
  return found === 0 ? undefined : { ticks, memoryBytes };
}

/** Undefined of a process that has just gone. */
async function tryProcessSample(pid: number): Promise<Sample | undefined> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/status`, "utf8"),
    ]);
    // A zombie has no memory, and no such line.
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? "0";
    return { ticks: cpuTicks(parseStat(stat)), memoryBytes: Number(kibibytes) * 1_024 };
  } catch {
    return undefined;
  }
}

/** Of all its threads, since each may have made some; none where the kernel does not tell. */
async function childrenOf(pid: number): Promise<number[]> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    const lists = await Promise.all(
      threads.map((thread) =>
        readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => ""),
      ),
    );
    return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
  } catch {
    return [];
  }
}
