import { exec } from "node:child_process";
import { promisify } from "node:util";
import { describe } from "vitest";
import { tryDuration } from "../../src/wire/units.ts";
import { verifies } from "../support/verifies.ts";
import { describeChecks } from "./suite.ts";
import type { Trial } from "./trial.ts";

const { GATEWAY_URL = "", GATEWAY_ROLL } = process.env;
const MINUTE_MS = 60_000;

const idleMs = duration("GATEWAY_IDLE", "70s");
const promptMs = duration("GATEWAY_PROMPT", "500ms");
const trial: Trial = {
  url: GATEWAY_URL.replace(/\/+$/, ""),
  idleMs,
  silenceMs: idleMs,
  pollMs: MINUTE_MS,
  heartbeatMs: 10_000,
  patienceMs: 10_000,
  promptMs,
  unevenMs: promptMs,
};

function duration(name: string, otherwise: string): number {
  const text = process.env[name] ?? otherwise;
  const ms = tryDuration(text);
  if (ms === undefined) throw new Error(`${name}: expected a duration like 70s, not ${text}`);
  return ms;
}

const describeIt = describe.skipIf(GATEWAY_URL === "");
describeIt(`the gateway at ${GATEWAY_URL || "GATEWAY_URL"}`, verifies("gateways-by-url"), () => {
  describeChecks({
    trial: () => trial,
    idleTrial: () => trial,
    roll: GATEWAY_ROLL ? async () => void (await promisify(exec)(GATEWAY_ROLL)) : undefined,
    timeoutMs: 10 * MINUTE_MS + 2 * idleMs,
  });
});
