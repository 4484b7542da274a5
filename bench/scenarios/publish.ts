import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { killGroup } from "../reaper.ts";
import { redisUrl, startRedis } from "../subjects/redis.ts";
import type { AppendRate } from "../subjects/append-rate.ts";
import type { Scenario, Trial, Values } from "./scenario.ts";

const PROGRAM = fileURLToPath(new URL("../subjects/append-rate.ts", import.meta.url));

async function appendRate(trial: Trial): Promise<Values> {
  await using redis = await startRedis(trial.reaper);
  const mode = trial.name === "bare-append" ? "bare" : "service";
  const args = [PROGRAM, mode, redisUrl(redis), String(trial.sizes.appends)];
  const child = trial.reaper.spawn(
    { file: process.execPath, args: [...process.execArgv, ...args] },
    ["ignore", "pipe", "pipe"],
  );
  const end = (): void => killGroup(child);
  trial.signal.addEventListener("abort", end);
  const [closed, stdout, stderr] = await Promise.all([
    once(child, "close"),
    text(child.stdout!),
    text(child.stderr!),
  ]);
  trial.signal.removeEventListener("abort", end);
  trial.signal.throwIfAborted();
  if (closed[0] !== 0) throw new Error(`append-rate.ts failed: ${stderr.slice(-1_000)}`);
  const { perSecond, ...delivered } = JSON.parse(stdout) as AppendRate;
  trial.count(delivered);
  return { perSecond };
}

export const publish: Scenario = {
  name: "publish",
  about: "appends through Redis, acknowledged and delivered",
  own: "novastream-redis",
  peers: ["bare-append"],
  needsRedis: true,
  run: appendRate,
};
