import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { READER_KINDS, TOPICS } from "./clients/reader-kinds.ts";
import { ChaosReader } from "./clients/reader.ts";
import { createBuild, type ControlName } from "./controls.ts";
import { FAULT_KINDS, type FaultKind } from "./faults/kinds.ts";
import { planFaults, type PlannedFault } from "./faults/plan.ts";
import { strike } from "./faults/strike.ts";
import { readFinalLog } from "./final-log.ts";
import { Findings } from "./law/findings.ts";
import { History } from "./law/history.ts";
import { Liveness } from "./law/liveness.ts";
import { judgeAccounts } from "./law/judge-accounts.ts";
import { parseCursor } from "./law/position.ts";
import { Load } from "./load.ts";
import { Random } from "./random.ts";
import { Recovery } from "./recovery.ts";
import type { RunResult } from "./result.ts";
import { Fleet } from "./world/fleet.ts";
import { Network } from "./world/network.ts";
import { createStore } from "./world/create-store.ts";
import type { Form } from "./world/store.ts";

/** Short times, so that a run of minutes meets what takes a service hours. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  LOG_LEVEL: "warn",
  HEARTBEAT_INTERVAL: "500ms",
  RETRY_DELAY: "20ms",
  AUDIT_INTERVAL: "2s",
  PROBE_INTERVAL: "200ms",
  PROBE_TIMEOUT: "1s",
  STALL_TIMEOUT: "5s",
  DRAIN_WINDOW: "1s",
  // A small ring: readers who come back find their place now in it, now in the log.
  BUFFER_SIZE: "64",
  RETENTION_APP: "1000000,24h",
  RETENTION_LOGS: "1000000,24h",
  RETENTION_NOTIFICATIONS: "300,24h",
};
/** Of most processes, beyond any run: what is wrong must not mend by a new connection. Of some so short that runs meet it. */
const LONG_AGE = "60m";
const SHORT_AGE = "5s";
const SHORT_AGE_SHARE = 0.25;
/** Well above HEARTBEAT_INTERVAL. */
const READER_PATIENCE_MS = 2_500;
const PUBLISHER_PATIENCE_MS = 6_000;
/**
 * For how long a reader may be given nothing that is there for it: an audit and a probe (AUDIT_INTERVAL, PROBE_INTERVAL,
 * PROBE_TIMEOUT) must have found out what is wrong by then, and the reader itself (READER_PATIENCE_MS); half as long again
 * for a machine that has others to serve.
 */
const LATE_MS = 1.5 * (2_000 + 200 + 1_000 + READER_PATIENCE_MS);
/** What readers may take to reach the head once all is quiet: then they are late beyond doubt. */
const SETTLE_MS = 1.25 * LATE_MS;

export interface RunOptions {
  readonly form: Form;
  readonly seed: number;
  readonly durationMs: number;
  readonly services: number;
  readonly readers: number;
  readonly publishers: number;
  readonly rate: number;
  readonly faults: readonly FaultKind[];
  readonly control: ControlName | undefined;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** One run: everything is started, struck by what the seed says, left to mend, judged, and ended. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { form, seed, durationMs, signal, tell } = options;
  const random = new Random(seed);
  const plan = planFaults(random.fork("plan"), options.faults, durationMs);
  const ages = random.fork("ages");
  const findings = new Findings();
  const history = new History();
  await using build = await createBuild(options.control);
  await using store = await createStore(form, random.fork("store"), TOPICS);
  await using fleet = await Fleet.start({
    // The embedded log is of one process.
    size: form === "memory" ? 1 : options.services,
    entry: build.entry,
    environment: () => ({
      ...ENVIRONMENT,
      ...store.environment,
      MAX_CONNECTION_AGE: ages.chance(SHORT_AGE_SHARE) ? SHORT_AGE : LONG_AGE,
    }),
    random: random.fork("fleet"),
    findings,
  });
  await using network = await Network.start({
    target: () => new URL(fleet.any()),
    random: random.fork("network"),
    cuts: true,
  });
  const kinds = Array.from(
    { length: options.readers },
    (_, i) => READER_KINDS[i % READER_KINDS.length]!,
  );
  const nameOf = (i: number): string => `r${i}-${kinds[i]!.transport}`;
  const watched = kinds.flatMap(({ topics, wants }, i) =>
    topics.filter(isPublished).map((topic) => ({ reader: nameOf(i), topic, wants })),
  );
  const recovery = new Recovery(watched.map(({ reader, topic }) => `${reader} ${topic}`));
  const liveness = new Liveness(watched, LATE_MS);
  const readers = kinds.map(
    (kind, i) =>
      new ChaosReader({
        name: nameOf(i),
        kind,
        base: () => network.url,
        findings,
        random: random.fork(nameOf(i)),
        patienceMs: READER_PATIENCE_MS,
        onEvent: (reader, topic, { mark, sentAt }) => {
          recovery.arrived(`${reader} ${topic}`, sentAt);
          liveness.given(reader, topic, mark);
        },
        onNotice: (reader, topic) => liveness.told(reader, topic),
      }),
  );
  const end = new AbortController();
  const until = AbortSignal.any([signal, end.signal]);
  // Each request under way listens.
  setMaxListeners(0, until);
  try {
    const load = new Load({
      topics: TOPICS,
      publishers: options.publishers,
      rate: options.rate,
      base: () => network.url,
      history,
      findings,
      random: random.fork("load"),
      patienceMs: PUBLISHER_PATIENCE_MS,
      onAcknowledged: (topic, mark) => liveness.acknowledged(topic, mark),
      signal: until,
    });
    const startedAt = performance.now();
    const struck: Partial<Record<FaultKind, number>> = {};
    for (const fault of plan) {
      await delay(Math.max(0, startedAt + fault.atMs - performance.now()), undefined, { signal });
      // Some take long to be over, as long as others take to agree on a new master: what does not fit is left out.
      if (performance.now() - startedAt > durationMs) break;
      tell(describe(fault, performance.now() - startedAt));
      struck[fault.kind] = (struck[fault.kind] ?? 0) + 1;
      await strike(fault, { fleet, network, store, load, history, liveness, recovery, random });
    }
    await delay(Math.max(0, startedAt + durationMs - performance.now()), undefined, { signal });
    network.calm();
    tell("quiet: the last publishes are acknowledged, and the readers come to the end");
    await load.finish();
    const log = await readFinalLog(fleet.urls, TOPICS, await store.contents(TOPICS), findings);
    for (const [topic, entries] of log) history.addBranch({ topic, entries, final: true });
    await settle(readers, recovery, history, signal);
    const longestSilenceMs = liveness.check(findings);
    for (const what of recovery.open) findings.add("late", "not recovered", what);
    const { complaints } = fleet;
    for (const line of complaints) findings.add("alarm", "a service", line);
    const takenBack = history.check(findings);
    const tallies = judgeAccounts(
      readers.map(({ account }) => account),
      history,
      findings,
    );
    return {
      form,
      seed,
      control: options.control,
      durationMs: performance.now() - startedAt,
      struck,
      published: history.acknowledged,
      attempts: load.attempts,
      ...tallies,
      connections: readers.reduce((sum, { connections }) => sum + connections, 0),
      cuts: network.cuts,
      takenBack: takenBack + tallies.takenBack,
      findings: findings.counts,
      examples: findings.examples,
      recoveryMs: Object.fromEntries(recovery.times),
      complaints,
      longestSilenceMs,
      clean: findings.clean,
    };
  } finally {
    end.abort();
    await Promise.all(readers.map((reader) => reader[Symbol.asyncDispose]()));
  }
}

function isPublished(topic: string): boolean {
  return (TOPICS as readonly string[]).includes(topic);
}

function describe({ kind, durationMs }: PlannedFault, elapsedMs: number): string {
  const lasts = durationMs > 0 ? ` for ${durationMs} ms` : "";
  return `${(elapsedMs / 1_000).toFixed(1).padStart(6)} s  ${kind}${lasts}: ${FAULT_KINDS[kind].title}`;
}

/** Until every reader stands at the head of each of its topics, or its time is up. */
async function settle(
  readers: readonly ChaosReader[],
  recovery: Recovery,
  history: History,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  const arrived = (): boolean =>
    recovery.open.length === 0 &&
    readers.every(({ cursor, kind, lastMark }) => {
      if (!kind.resumes) return kind.topics.every((topic) => history.headMark(topic) === lastMark);
      if (cursor === "") return false;
      const positions = parseCursor(cursor);
      return [...kind.topics]
        .sort()
        .every((topic, i) => !isPublished(topic) || history.head(topic) === positions[i]);
    });
  while (!arrived() && performance.now() < deadline) await delay(20, undefined, { signal });
}
