import { type Scenario, type Trial, type Values } from "./scenario.ts";
import { Stage } from "./stage.ts";

const BURST = 10;
/** Publishes a second in the latency scenario, and how many. */
const RATE = 10;
const PACED = 30;

/** Deliveries for a CPU second of the subject, and for a second of time. */
async function throughput(trial: Trial, burst: number): Promise<Values> {
  const { readers, events } = trial.sizes;
  await using stage = await Stage.open(trial);
  await stage.openReaders(readers);
  await stage.load.do({ kind: "publish", events: Math.ceil(events / 4), burst });
  const before = await stage.process.cpuSeconds();
  const { expected, wallMs } = await stage.load.do({ kind: "publish", events, burst });
  const cpu = (await stage.process.cpuSeconds()) - before;
  return { perCpuSecond: expected / cpu, perSecond: (expected / wallMs) * 1_000 };
}

export const single: Scenario = {
  name: "single",
  about: "SSE fan-out, one event a publish",
  own: "novastream",
  peers: ["stream-sse", "better-sse", "nchan", "node-loop", "c-loop"],
  run: (trial) => throughput(trial, 1),
};

export const bursts: Scenario = {
  name: "bursts",
  about: `SSE fan-out, ${BURST} events a publish`,
  own: "novastream",
  // A message of nchan is one event.
  peers: ["stream-sse", "better-sse", "node-loop", "c-loop"],
  run: (trial) => throughput(trial, BURST),
};

export const websocket: Scenario = {
  name: "websocket",
  about: "WebSocket fan-out, one event a publish",
  own: "novastream-console",
  peers: ["ws", "socket-io"],
  run: (trial) => throughput(trial, 1),
};

export const latency: Scenario = {
  name: "latency",
  about: `publish → receive at ${RATE} publishes a second, ${PACED} of them`,
  own: "novastream",
  peers: ["stream-sse", "better-sse", "nchan", "node-loop", "c-loop"],
  run: async (trial) => {
    const { readers, events } = trial.sizes;
    await using stage = await Stage.open(trial);
    await stage.openReaders(readers);
    await stage.load.do({ kind: "publish", events: Math.ceil(events / 4), burst: 1 });
    const { latencyMs } = await stage.load.do({
      kind: "publish",
      events: Math.min(PACED, events),
      burst: 1,
      rate: RATE,
    });
    return { p50Ms: latencyMs!.p50, p99Ms: latencyMs!.p99 };
  },
};
