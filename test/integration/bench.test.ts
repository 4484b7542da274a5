import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Results } from "../../bench/results.ts";
import { SCENARIOS } from "../../bench/scenarios/registry.ts";
import { QUICK_SIZES } from "../../bench/sizes.ts";
import { descendants, isRunning } from "../support/processes.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "novastream-test-"))));
afterAll(() => rm(directory, { recursive: true, force: true }));

function startBench(...args: string[]) {
  return spawn(process.execPath, ["--import", "tsx", "bench/main.ts", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs the benchmark to its end; the service must have been built. */
async function runBench(...args: string[]) {
  const child = startBench(...args);
  const exited = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await exited) as [number | null];
  return { code, stdout, stderr };
}

/** A quick run whose results are kept. */
async function measure(...args: string[]) {
  const json = join(directory, `${args.join("").replaceAll("-", "")}.json`);
  const outcome = await runBench("--quick", "--json", json, ...args);
  expect(outcome.stderr).not.toContain("failed");
  expect(outcome.code).toBe(0);
  return { ...outcome, json, results: JSON.parse(await readFile(json, "utf8")) as Results };
}

const only = (flag: string, names: string[]) => names.flatMap((name) => [flag, name]);

const OWN = ["novastream", "novastream-console", "novastream-redis"];
const exactly = (count: number) => ({ expected: count, lost: 0, doubled: 0 });
const { readers, events, reconnecting, connections } = QUICK_SIZES;
const { answers, chats, appends, replaying, replayed } = QUICK_SIZES;
/** With those that warm up. */
const warm = (count: number): number => count + Math.ceil(count / 4);

/** What each row delivers, in groups that are short enough for one test. */
const ROWS = {
  streams: {
    single: readers * warm(events),
    bursts: readers * warm(events),
    latency: readers * warm(events),
    idle: 0,
    websocket: readers * warm(events),
    connections,
  },
  "streams that come back, and the log": {
    replay: replaying * replayed,
    publish: appends,
    // Twice: the first time they come back they hold the cursor of no event.
    reconnect: 2 * reconnecting * 10,
  },
  "single chats": {
    chat: warm(chats),
    "chat-redis": warm(chats),
    "chat-ui": warm(chats),
    "chat-ui-redis": warm(chats),
  },
  "many chats": {
    tokens: warm(Math.ceil(answers / 25)),
    "tokens-redis": warm(Math.ceil(answers / 25)),
    "chats-many": warm(answers),
    "chats-many-redis": warm(answers),
  },
} as const;

test.each(Object.entries(ROWS))(
  "every row's path, with the service alone: all is delivered, once (%s)",
  verifies("bench", "bench-paths", "bench-chats"),
  async (_, rows: Readonly<Record<string, number>>) => {
    const { results, stdout, stderr } = await measure(
      ...only("--subject", OWN),
      ...only("--only", Object.keys(rows)),
    );
    const delivered = Object.entries(results.scenarios).map(
      ([name, { expected, lost, doubled }]) => [name, { expected, lost, doubled }] as const,
    );
    expect(Object.fromEntries(delivered)).toEqual(
      Object.fromEntries(Object.entries(rows).map(([name, count]) => [name, exactly(count)])),
    );
    if ("chats-many" in rows) {
      const { metrics } = results.scenarios["chats-many"]!;
      for (const name of ["pace", "perCpuSecond", "gapP99Ms", "lagP99Ms", "kb"])
        expect(metrics[name]?.values.novastream, name).toBeGreaterThanOrEqual(0);
    }
    expect(stderr).toContain("round 1/1: NovaStream");
    expect(stdout).toMatch(/^\| measure \|.*\| budget \|$/m);
    expect(stdout).toMatch(/^Lost: 0, doubled: 0, of [1-9][\d,]* deliveries\.$/m);
  },
);

test("there is no row beside those", () => {
  const rows = Object.values(ROWS).flatMap((group) => Object.keys(group));
  expect(rows.sort()).toEqual(SCENARIOS.map(({ name }) => name).sort());
});

test(
  "the peers deliver all, once; a comparison with oneself finds that nothing fell",
  verifies("bench"),
  async () => {
    // Those that need nothing installed.
    const sse = await measure(
      ...only("--only", ["single"]),
      ...only("--subject", ["novastream", "stream-sse", "better-sse", "node-loop"]),
    );
    const { values, ratios } = sse.results.scenarios.single!.metrics.perSecond!;
    expect(Object.keys(values)).toEqual(["novastream", "stream-sse", "better-sse", "node-loop"]);
    expect(Object.keys(ratios)).toEqual(["stream-sse", "better-sse", "node-loop"]);

    const others = await measure(
      ...only("--only", ["websocket", "chat", "replay", "publish", "reconnect"]),
      ...only("--subject", [
        "ws",
        "socket-io",
        "plain-route",
        "xrange",
        "bare-append",
        "plain-get",
      ]),
    );
    for (const [name, { expected, lost, doubled }] of Object.entries(others.results.scenarios))
      expect({ name, lost, doubled, some: name === "publish" || expected > 0 }).toEqual({
        name,
        lost: 0,
        doubled: 0,
        some: true,
      });

    // Quick sizes are not those of the committed table, which says so.
    const compared = await runBench("compare", "--fresh", sse.json);
    expect(compared.stderr).toContain("Results of different sizes cannot be put together");
    expect(compared.code).toBe(1);
  },
);

test(
  "the AI SDK's own responses come whole, with and without resume",
  verifies("bench-chats"),
  async () => {
    const { results } = await measure(
      ...only("--only", ["chat-ui", "chat-ui-redis", "tokens", "tokens-redis"]),
      ...only("--subject", ["ai-sdk", "ai-sdk-resumable"]),
    );
    for (const [name, { expected, lost, doubled, metrics }] of Object.entries(results.scenarios)) {
      const peer = name.endsWith("-redis") ? "ai-sdk-resumable" : "ai-sdk";
      expect({ name, lost, doubled }).toEqual({ name, lost: 0, doubled: 0 });
      expect(expected, name).toBeGreaterThan(0);
      const metric = name.startsWith("tokens") ? "perCpuSecond" : "addedMs";
      expect(metrics[metric]?.values[peer], name).toBeDefined();
    }
  },
);

test("nothing stays behind when the benchmark is killed", verifies("bench"), async () => {
  const bench = startBench(
    "--only",
    "idle",
    "--subject",
    "novastream",
    "--idle",
    "200",
    "--rounds",
    "50",
  );
  const exited = once(bench, "exit");
  const pids = await eventually(async () => {
    const found = await descendants(bench.pid!);
    return found.some(({ command }) => command.includes("dist/main.js")) ? found : undefined;
  });
  bench.kill("SIGKILL");
  await exited;
  await eventually(() => pids.every(({ pid }) => !isRunning(pid)), {
    what: "the end of all of them",
  });
});

test("Ctrl-C ends it at once, with all that it has started", verifies("bench"), async () => {
  const bench = startBench(
    "--only",
    "idle",
    "--subject",
    "novastream",
    "--idle",
    "200",
    "--rounds",
    "50",
  );
  const exited = once(bench, "exit");
  const pids = await eventually(async () => {
    const found = await descendants(bench.pid!);
    return found.some(({ command }) => command.includes("dist/main.js")) ? found : undefined;
  });
  bench.kill("SIGINT");
  expect(await exited).toEqual([1, null]);
  expect(pids.filter(({ pid }) => isRunning(pid))).toEqual([]);
});

test.for([
  [["--readers", "many"], "--readers must be a whole number"],
  [["--only", "everything"], "--only must be one of single, "],
  [["--margin", "0.1"], "--margin is of compare"],
  [["compare", "--margin", "20"], "--margin must be a share from 0 to below 1"],
  [["contrast"], "The only command is compare"],
] as const)(
  "a wrong command line is named, and nothing is started: %j",
  async ([args, problem]) => {
    const { code, stdout, stderr } = await runBench(...args);

    expect(stderr).toContain(problem);
    expect(stdout).toBe("");
    expect(code).toBe(1);
  },
);
