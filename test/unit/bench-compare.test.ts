import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { compare, describeChanges } from "../../bench/compare.ts";
import { withTable } from "../../bench/readme.ts";
import { report } from "../../bench/report.ts";
import { merge, readResults, type Results, summarise } from "../../bench/results.ts";
import { rowId, ROWS } from "../../bench/rows.ts";
import { SCENARIOS } from "../../bench/scenarios/registry.ts";
import { SIZES } from "../../bench/sizes.ts";
import { verifies } from "../support/verifies.ts";

/** A table with one row of which more is better and one of which less is. */
function table(perCpuSecond: number, p99Ms: number, sizes = SIZES): Results {
  const scenario = { own: "novastream", rounds: 3, expected: 10, lost: 0, doubled: 0 } as const;
  return {
    machine: "a made-up machine",
    sizes,
    missing: {},
    scenarios: {
      single: {
        ...scenario,
        metrics: {
          perCpuSecond: {
            values: { novastream: 90_000, "c-loop": 150_000 },
            ratios: { "c-loop": perCpuSecond },
          },
        },
      },
      latency: {
        ...scenario,
        metrics: {
          p99Ms: { values: { novastream: 30, nchan: 40 }, ratios: { nchan: p99Ms } },
        },
      },
    },
  };
}

const fallen = (committed: Results, fresh: Results, margin = 0.2): string[] =>
  compare(committed, fresh, margin)
    .filter(({ fell }) => fell)
    .map(({ name }) => name);

test(
  "a ratio falls when it is worse by more than the margin, whichever way is worse",
  verifies("bench-compare"),
  () => {
    const committed = table(0.6, 0.8);
    expect(fallen(committed, table(0.49, 0.99))).toEqual([]);
    expect(fallen(committed, table(0.47, 0.8))).toEqual(["single.perCpuSecond ÷ c-loop"]);
    expect(fallen(committed, table(0.6, 1.01))).toEqual(["latency.p99Ms ÷ nchan"]);
    expect(fallen(committed, table(6, 0.01))).toEqual([]);
    expect(fallen(committed, table(0.59, 0.8), 0.01)).toEqual(["single.perCpuSecond ÷ c-loop"]);
  },
);

test("each ratio is printed, old and new, and the fallen ones are marked", () => {
  const changes = compare(table(0.6, 0.8), table(0.3, 0.4), 0.2);
  expect(describeChanges(changes, 0.2).split("\n")).toEqual([
    "single.perCpuSecond ÷ c-loop: 0.6 → 0.3 (-50.0 %) FELL",
    "latency.p99Ms ÷ nchan: 0.8 → 0.4 (+100.0 %)",
    "1 of 2 ratios fell by more than 20 %.",
  ]);
});

test("what was not measured again is said and fails nothing; nothing in common fails", () => {
  const committed = table(0.6, 0.8);
  const { latency } = committed.scenarios;
  const partly = { ...committed, scenarios: { latency: latency! } };
  const changes = compare(committed, partly, 0.2);
  expect(describeChanges(changes, 0.2)).toContain(
    "single.perCpuSecond ÷ c-loop: 0.6 → not measured",
  );
  expect(changes.filter(({ fell }) => fell)).toEqual([]);
  expect(() => compare(committed, { ...committed, scenarios: {} }, 0.2)).toThrow(
    /no ratio in common/,
  );
});

test("tables of other sizes are neither compared nor merged", () => {
  const small = table(0.6, 0.8, { ...SIZES, readers: 20 });
  expect(() => compare(table(0.6, 0.8), small, 0.2)).toThrow(/readers 2000 and 20/);
  expect(() => merge(table(0.6, 0.8), small)).toThrow(/readers 2000 and 20/);
});

test("medians are of rounds, ratios of pairs within a round, and a failed trial leaves both out", () => {
  const [single] = SCENARIOS;
  const rounds = (...figures: (number | undefined)[]) =>
    figures.map((perSecond) => (perSecond === undefined ? undefined : { perSecond }));
  const { metrics } = summarise(single!, {
    delivered: { expected: 1, lost: 0, doubled: 0 },
    bySubject: new Map([
      ["novastream", rounds(100, 10, undefined, 30)],
      ["c-loop", rounds(200, 10, 7, 90)],
      ["nchan", rounds(undefined, undefined, undefined, undefined)],
    ]),
  });
  expect(metrics.perSecond).toEqual({
    values: { novastream: 30, "c-loop": 50 },
    ratios: { "c-loop": 0.5 },
  });
});

test("a partial run takes the place of what it has measured, and of nothing else", () => {
  const [older, newer] = [table(0.6, 0.8), table(0.7, 0.9)];
  const merged = merge(
    { ...older, missing: { nchan: "not installed" } },
    { ...newer, scenarios: { latency: newer.scenarios.latency! } },
  );
  expect(merged.scenarios.single).toEqual(older.scenarios.single);
  expect(merged.scenarios.latency).toEqual(newer.scenarios.latency);
  expect(merged.missing).toEqual({});
});

test("rows of new sizes are added to an older table, which keeps the rest and can be compared", () => {
  const { answers: _, tokens: __, ...known } = SIZES;
  const older = { ...table(0.6, 0.8), sizes: known as Results["sizes"] };
  const crowd = { ...table(0.6, 0.8).scenarios.single! };
  const newer = { ...table(0.6, 0.8), scenarios: { "chats-many": crowd } };
  const merged = merge(older, newer);
  expect(merged.sizes).toEqual(SIZES);
  expect(Object.keys(merged.scenarios)).toEqual(["single", "latency", "chats-many"]);
  expect(report(older)).not.toContain("chats at once");
  expect(report(merged)).toContain("1,000 chats at once, 500 tokens each");
  expect(fallen(older, table(0.4, 0.8))).toEqual(["single.perCpuSecond ÷ c-loop"]);
});

test("the report judges each budget by what it is about", () => {
  const lines = report(table(0.64, 0.8)).split("\n");
  expect(lines).toContain(
    "| SSE, one event a publish: deliveries per CPU second | 90,000 | C loop | 150,000 | 0.64 | ≥ 0.65 ×: **not met** |",
  );
  expect(lines).toContain("| the same: p99, ms | 30.0 | nchan | 40.0 | 0.80 | ≤ 1 ×: met |");
});

test("every row shows a scenario that there is, and every budget is on a peer of it", () => {
  for (const row of ROWS) {
    const scenario = SCENARIOS.find(({ name }) => name === row.scenario);
    expect(scenario, rowId(row)).toBeDefined();
    for (const budget of row.budgets ?? [])
      if ("peer" in budget) expect(scenario!.peers, rowId(row)).toContain(budget.peer);
  }
  expect(new Set(ROWS.map(rowId)).size).toBe(ROWS.length);
});

test("README shows the table of the committed results, and no other", async () => {
  const readme = await readFile("README.md", "utf8");
  const committed = await readResults("bench/results.json");
  expect(withTable(readme, report(committed!))).toBe(readme);
});
