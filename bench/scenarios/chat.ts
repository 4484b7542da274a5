import { CHAT, UI_CHAT } from "../subjects/novastream.ts";
import { startRedis } from "../subjects/redis.ts";
import type { ChatSurface } from "../subjects/subject.ts";
import type { Scenario, Trial, Values } from "./scenario.ts";
import { MODEL_DELAY_MS, Stage, type StageOptions } from "./stage.ts";

/** What is added to the model's own time to its first token, as a client sees it. */
async function added(trial: Trial, surface: ChatSurface, options?: StageOptions): Promise<Values> {
  const { chats } = trial.sizes;
  await using stage = await Stage.open(trial, options);
  const { port } = stage.process;
  const command = { kind: "chat", port, ...surface, modelDelayMs: MODEL_DELAY_MS } as const;
  await stage.load.do({ ...command, requests: Math.ceil(chats / 4) });
  const { addedMs } = await stage.load.do({ ...command, requests: chats });
  return { addedMs: addedMs! };
}

async function addedWithRedis(trial: Trial, surface: ChatSurface): Promise<Values> {
  await using redis = await startRedis(trial.reaper);
  return await added(trial, surface, { redis });
}

export const chat: Scenario = {
  name: "chat",
  about: "time to the first token of a chat",
  own: "novastream",
  peers: ["plain-route"],
  run: (trial) => added(trial, CHAT),
};

export const chatRedis: Scenario = {
  name: "chat-redis",
  about: "the same with the log in Redis",
  own: "novastream-redis",
  peers: ["plain-route"],
  needsRedis: true,
  run: (trial) => addedWithRedis(trial, CHAT),
};

export const chatUi: Scenario = {
  name: "chat-ui",
  about: "time to the first token of a UI message stream",
  own: "novastream",
  peers: ["ai-sdk"],
  run: (trial) => added(trial, UI_CHAT),
};

export const chatUiRedis: Scenario = {
  name: "chat-ui-redis",
  about: "the same where it can be resumed: with Redis",
  own: "novastream-redis",
  peers: ["ai-sdk-resumable"],
  needsRedis: true,
  run: (trial) => addedWithRedis(trial, UI_CHAT),
};
