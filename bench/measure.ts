import { setTimeout as delay } from "node:timers/promises";
import { LoadProcess } from "./load/load-process.ts";
import type { Delivery } from "./load/protocol.ts";
import type { Options, Scenario } from "./options.ts";
import type { Subject } from "./subjects/subject.ts";
import { SubjectProcess } from "./subjects/subject-process.ts";

const BURST = 10;
/** Publishes a second in the latency scenario, and how many. */
const RATE = 10;
const PACED = 30;
/** For what starting and connecting leaves behind. */
const SETTLE_MS = 1_000;

/** What one subject did in one round; what was not asked for is not there. */
export interface Measures {
  readonly single?: Throughput;
  readonly bursts?: Throughput;
  /** Of the paced publishes, in ms. */
  readonly latency?: { readonly p50: number; readonly p99: number };
  /** Resident memory for each idle connection, in KB. */
  readonly idleKb?: number;
  readonly expected: number;
  readonly lost: number;
  readonly doubled: number;
}

/** Deliveries: one event to one reader. */
export interface Throughput {
  readonly perCpuSecond: number;
  readonly perSecond: number;
}

export interface Run {
  readonly subject: Subject;
  readonly options: Options;
  readonly signal: AbortSignal;
  readonly progress: (what: string) => void;
}

/** Measures one subject once, in fresh processes. */
export async function measure(run: Run): Promise<Measures> {
  const { scenarios } = run.options;
  const fanOut = scenarios.some((scenario) => scenario !== "idle")
    ? await measureFanOut(run)
    : { expected: 0, lost: 0, doubled: 0 };
  return scenarios.includes("idle") ? { ...fanOut, idleKb: await measureIdle(run) } : fanOut;
}

async function measureFanOut({ subject, options, signal, progress }: Run): Promise<Measures> {
  const { readers, events, scenarios } = options;
  await using process = await SubjectProcess.start(subject);
  await using load = new LoadProcess(signal);
  await load.open({ port: process.port, surface: subject.surface, readers });
  const total = { expected: 0, lost: 0, doubled: 0 };
  const count = (delivery: Delivery): Delivery => {
    total.expected += delivery.expected;
    total.lost += delivery.lost;
    total.doubled += delivery.doubled;
    return delivery;
  };

  const throughput = async (scenario: Scenario, burst: number): Promise<Throughput | undefined> => {
    if (!scenarios.includes(scenario)) return undefined;
    progress(scenario);
    count(await load.publish({ events: Math.ceil(events / 4), burst }));
    const before = await process.cpuSeconds();
    const { expected, wallMs } = count(await load.publish({ events, burst }));
    const cpu = (await process.cpuSeconds()) - before;
    return { perCpuSecond: expected / cpu, perSecond: (expected / wallMs) * 1_000 };
  };

  const single = await throughput("single", 1);
  const bursts = await throughput("bursts", BURST);
  let latency: Measures["latency"];
  if (scenarios.includes("latency")) {
    progress("latency");
    latency = count(
      await load.publish({ events: Math.min(PACED, events), burst: 1, rate: RATE }),
    ).latencyMs;
  }
  return {
    ...(single && { single }),
    ...(bursts && { bursts }),
    ...(latency && { latency }),
    ...total,
  };
}

async function measureIdle({ subject, options, signal, progress }: Run): Promise<number> {
  progress("idle");
  await using process = await SubjectProcess.start(subject);
  await using load = new LoadProcess(signal);
  await delay(SETTLE_MS, undefined, { signal });
  const before = await process.residentKb();
  await load.open({ port: process.port, surface: subject.surface, readers: options.idle });
  await delay(SETTLE_MS, undefined, { signal });
  return ((await process.residentKb()) - before) / options.idle;
}
