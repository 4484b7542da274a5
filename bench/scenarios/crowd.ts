import { readLoopLagMs } from "../subjects/loop-lag.ts";
import { UI_CHAT } from "../subjects/novastream.ts";
import { startRedis } from "../subjects/redis.ts";
import type { Scenario, Trial, Values } from "./scenario.ts";
import { Stage, type StageOptions } from "./stage.ts";

/** Of the demo model, before each token: 50 a second. */
const TOKEN_DELAY_MS = 20;

/** Chats at once, and what they take. */
async function crowd(trial: Trial, chats: number, options?: StageOptions): Promise<Values> {
  const { tokens } = trial.sizes;
  await using stage = await Stage.open(trial, { ...options, modelDelayMs: TOKEN_DELAY_MS });
  const { port } = stage.process;
  const command = { kind: "crowd", port, ...UI_CHAT } as const;
  await stage.load.do({ ...command, chats: Math.ceil(chats / 4), tokens: Math.ceil(tokens / 4) });
  const before = await stage.process.cpuSeconds();
  await readLoopLagMs(port);
  const { kb, made } = await stage.peakKbOf(chats, () =>
    stage.load.do({ ...command, chats, tokens }),
  );
  const lagP99Ms = await readLoopLagMs(port);
  const cpu = (await stage.process.cpuSeconds()) - before;
  const { tokens: delivered, pace, gapP99Ms } = made.crowd!;
  return { perCpuSecond: delivered / cpu, pace, gapP99Ms, lagP99Ms, kb };
}

async function crowdWithRedis(trial: Trial, chats: number): Promise<Values> {
  await using redis = await startRedis(trial.reaper);
  return await crowd(trial, chats, { redis });
}

/** So few that no subject is short of its core: what a token takes shows, and not what is put off. */
const few = ({ sizes }: Trial): number => Math.ceil(sizes.answers / 25);

export const tokens: Scenario = {
  name: "tokens",
  about: "what the tokens of some chats at once take",
  own: "novastream",
  peers: ["ai-sdk"],
  run: (trial) => crowd(trial, few(trial)),
};

export const tokensRedis: Scenario = {
  name: "tokens-redis",
  about: "the same where they can be resumed: with Redis",
  own: "novastream-redis",
  peers: ["ai-sdk-resumable"],
  needsRedis: true,
  run: (trial) => crowdWithRedis(trial, few(trial)),
};

export const chatsMany: Scenario = {
  name: "chats-many",
  about: "many chats at once: all whole, pace, lag, memory",
  own: "novastream",
  peers: [],
  run: (trial) => crowd(trial, trial.sizes.answers),
};

export const chatsManyRedis: Scenario = {
  name: "chats-many-redis",
  about: "the same with the log in Redis",
  own: "novastream-redis",
  peers: [],
  needsRedis: true,
  run: (trial) => crowdWithRedis(trial, trial.sizes.answers),
};

/** Those of which there are many at once. */
export const CROWDS: readonly Scenario[] = [tokens, tokensRedis, chatsMany, chatsManyRedis];
