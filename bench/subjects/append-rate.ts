import { readFileSync } from "node:fs";
import { Redis } from "ioredis";
import { createBackend } from "../../src/backend.ts";
import { parseConfig } from "../../src/config.ts";
import { DisposalStack } from "../../src/disposal.ts";
import { Hub } from "../../src/hub/hub.ts";
import { packDrafts } from "../../src/log/doorbell.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { parseTopic } from "../../src/log/topic.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import type { Delivered } from "../scenarios/scenario.ts";
import { NUMBER_MARK } from "../load/event-number.ts";
import { CountingReader } from "./counting-reader.ts";

/** Appends under way at any time, as of so many publishers. */
const IN_FLIGHT = 256;
const WARM_UP = 0.25;
const TOPIC = parseTopic("app:appends");
/** The event of a number. */
const draft = (number: number) => ({
  type: "tick",
  data: `{"at":0,"text":"a line of a common length, event number ${NUMBER_MARK}${number}"}`,
});

export interface AppendRate extends Delivered {
  readonly perSecond: number;
}

/**
 * How many appends a second one process reaches through Redis, single events of one topic; printed as JSON.
 *
 *   append-rate.ts service <redisUrl> <appends>   the service's log and hub: each acknowledged, and delivered to a reader
 *   append-rate.ts bare    <redisUrl> <appends>   the append script alone, which nobody listens to
 */
async function main(mode: string, url: string, appends: number): Promise<AppendRate> {
  const stack = new DisposalStack();
  try {
    return mode === "bare" ? await bare(url, appends, stack) : await service(url, appends, stack);
  } finally {
    await stack[Symbol.asyncDispose]();
  }
}

async function bare(url: string, appends: number, stack: DisposalStack): Promise<AppendRate> {
  const redis = new Redis(url, { enableAutoPipelining: true });
  stack.defer(() => redis.disconnect());
  const source = readFileSync(new URL("../../src/log/append.lua", import.meta.url), "utf8");
  const hash = (await redis.script("LOAD", source)) as string;
  const stream = `novastream:{${TOPIC}}`;
  const { type, data } = draft(0);
  const packed = packDrafts([{ type, data }]);
  const append = async (): Promise<void> => {
    const flags = ["none", 0, "", "", "", 0, 10_000, 86_400_000];
    await redis.evalsha(hash, 1, stream, ...flags, packed, type, data);
  };
  await repeat(Math.ceil(appends * WARM_UP), append);
  const startedAt = performance.now();
  await repeat(appends, append);
  const perSecond = (appends / (performance.now() - startedAt)) * 1_000;
  return { perSecond, expected: 0, lost: 0, doubled: 0 };
}

async function service(url: string, appends: number, stack: DisposalStack): Promise<AppendRate> {
  const logger = createLogger({ level: "warn", pretty: false });
  const config = parseConfig({ REDIS_URL: url });
  const metrics = new Metrics();
  const { log } = await createBackend(config, logger, metrics, stack);
  const { ringCapacity, ringBytes, auditMs } = config;
  const hub = stack.use(new Hub({ log, metrics, logger, ringCapacity, ringBytes, auditMs }));
  const warmUp = Math.ceil(appends * WARM_UP);
  const reader = new CountingReader(warmUp + appends);
  hub.read(reader, [{ topic: TOPIC, start: { kind: "latest" } }]).start();
  await reader.whenLive;
  await append(log, 0, warmUp);
  await reader.until(warmUp);
  const startedAt = performance.now();
  await append(log, warmUp, appends);
  await reader.until(warmUp + appends);
  const perSecond = (appends / (performance.now() - startedAt)) * 1_000;
  return { perSecond, expected: appends, ...reader.deviation };
}

function append(log: EventLog, first: number, appends: number): Promise<void> {
  let next = first;
  return repeat(appends, async () => void (await log.append(TOPIC, [draft(next++)])));
}

/** Does it so often, IN_FLIGHT at a time. */
async function repeat(times: number, work: () => Promise<void>): Promise<void> {
  let left = times;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

const [mode, url, appends] = process.argv.slice(2) as [string, string, string];
process.stdout.write(JSON.stringify(await main(mode, url, Number(appends))));
