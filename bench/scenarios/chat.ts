import { MODEL_DELAY_MS } from "../subjects/novastream.ts";
import { startRedis } from "../subjects/redis.ts";
import type { Scenario, Trial, Values } from "./scenario.ts";
import { Stage, type StageOptions } from "./stage.ts";

const PATH = "/api/v1/ai/chat";

/** What is added to the model's own time to its first token, as a client sees it. */
async function added(trial: Trial, options?: StageOptions): Promise<Values> {
  const { chats } = trial.sizes;
  await using stage = await Stage.open(trial, options);
  const command = {
    kind: "chat",
    port: stage.process.port,
    path: PATH,
    modelDelayMs: MODEL_DELAY_MS,
  } as const;
  await stage.load.do({ ...command, requests: Math.ceil(chats / 4) });
  const { addedMs } = await stage.load.do({ ...command, requests: chats });
  return { addedMs: addedMs! };
}

export const chat: Scenario = {
  name: "chat",
  about: "time to the first token of a chat",
  own: "novastream",
  peers: ["plain-route"],
  run: (trial) => added(trial),
};

export const chatRedis: Scenario = {
  name: "chat-redis",
  about: "the same with the log in Redis",
  own: "novastream-redis",
  peers: ["plain-route"],
  needsRedis: true,
  run: async (trial) => {
    await using redis = await startRedis(trial.reaper);
    return await added(trial, { redis });
  },
};
