import { NOVASTREAM } from "../subjects/novastream.ts";
import { startRedis } from "../subjects/redis.ts";
import type { SubjectProcess } from "../subjects/subject-process.ts";
import type { Scenario, Trial } from "./scenario.ts";
import { Stage } from "./stage.ts";

const PUBLISHER = NOVASTREAM.find(({ name }) => name === "novastream-redis")!;

/** By a process of its own, so that the one that is measured has nothing at hand. */
async function fill(trial: Trial, redis: SubjectProcess): Promise<void> {
  await using stage = await Stage.open({ ...trial, subject: PUBLISHER }, { redis });
  const { replayed: events } = trial.sizes;
  const { surface } = PUBLISHER;
  await stage.load.do({ kind: "fill", port: stage.process.port, surface, events });
}

export const replay: Scenario = {
  name: "replay",
  about: "readers who replay a topic from Redis at once",
  own: "novastream-redis",
  peers: ["xrange"],
  needsRedis: true,
  run: async (trial) => {
    const { replaying, replayed } = trial.sizes;
    await using redis = await startRedis(trial.reaper);
    await fill(trial, redis);
    await using stage = await Stage.open(trial, { redis });
    const before = await stage.process.cpuSeconds();
    const { expected, wallMs } = await stage.openReaders(replaying, {
      backlog: replayed,
      atOnce: true,
    });
    const cpu = (await stage.process.cpuSeconds()) - before;
    return { perSecond: (expected / wallMs) * 1_000, perCpuSecond: expected / cpu };
  },
};
