import type { Scenario } from "./scenario.ts";
import { Stage } from "./stage.ts";

/** Publishes a second to all of many connections; one for each thousand of them. */
const RATE = 1;
/** Events that those who come back have missed. */
const MISSED = 10;

export const idle: Scenario = {
  name: "idle",
  about: "memory of idle SSE connections",
  own: "novastream",
  // Not the C loop: it keeps a number for each connection, and the rest is the kernel's, which is not resident memory.
  peers: ["stream-sse", "better-sse", "nchan", "node-loop"],
  run: async (trial) => {
    const { idle: count } = trial.sizes;
    await using stage = await Stage.open(trial);
    return { kb: await stage.residentKbOf(count, () => stage.openReaders(count)) };
  },
};

export const connections: Scenario = {
  name: "connections",
  about: "many SSE connections: open, all receive (one publish for each thousand), memory",
  own: "novastream",
  peers: ["stream-sse", "nchan"],
  run: async (trial) => {
    const { connections: count } = trial.sizes;
    await using stage = await Stage.open(trial);
    let openMs = Number.NaN;
    const kb = await stage.residentKbOf(count, async () => {
      openMs = (await stage.openReaders(count)).wallMs;
    });
    const { latencyMs } = await stage.load.do({
      kind: "publish",
      events: Math.ceil(count / 1_000),
      burst: 1,
      rate: RATE,
    });
    return { openMs, kb, p99Ms: latencyMs!.p99 };
  },
};

/** The plain GETs are the measure for what so many new connections take, with one answer each. */
export const reconnect: Scenario = {
  name: "reconnect",
  about: "clients that come back at once with Last-Event-ID",
  own: "novastream",
  peers: ["plain-get"],
  run: async (trial) => {
    const { reconnecting: count } = trial.sizes;
    await using stage = await Stage.open(trial);
    if (trial.name === "plain-get") {
      const get = {
        kind: "get",
        port: stage.process.port,
        path: stage.subject.surface.readPath,
        requests: count,
      } as const;
      // As warm as a service whose clients have been there before.
      await stage.load.do(get);
      return { ms: (await stage.load.do(get)).wallMs };
    }
    await stage.openReaders(count);
    // Theirs is the cursor of an event, not of an empty topic.
    await stage.load.do({ kind: "reconnect", missed: MISSED });
    return { ms: (await stage.load.do({ kind: "reconnect", missed: MISSED })).wallMs };
  },
};
