import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { BOUNDARIES, type Boundary, type Samples } from "../support/alert-boundaries.ts";
import { verifies } from "../support/verifies.ts";

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  for?: string;
}

interface Rules {
  groups: { name: string; interval: string; rules: Rule[] }[];
}

const STEP_SECONDS = 30;
/** Steps of 30 s that are looked at: the longest window and the longest `for`, one after the other, and more. */
const STEPS = 70;
const END = "35m";
const readRules = () => parse(readFileSync("observability/rules.yaml", "utf8")) as Rules;
const rulesOf = ({ groups }: Rules) => groups.flatMap(({ rules }) => rules);
const alertsOf = (rules: Rules) => rulesOf(rules).filter(({ alert }) => alert !== undefined);

const secondsOf = (text: string): number => {
  const [, minutes = "0", seconds = "0"] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(text)!;
  return Number(minutes) * 60 + Number(seconds);
};

/** A literal that something is more than; not 0, which is for what may not happen at all. */
const THRESHOLD = /(?<=> )(?!0\b(?!\.))\d+(?:\.\d+)?/g;
/** An eighth more or less, and of a small count one. */
const moved = (text: string, by: 1 | -1): string =>
  String(Number(text) + by * (/^[1-9]$/.test(text) ? 1 : Number(text) / 8));
/** What has no such literal. */
const UNMOVED = /time:|pods:|one:|retraction:/;

describe("the thresholds of the alerting rules", () => {
  const scratch = mkdtempSync(join(tmpdir(), "novastream-boundaries-"));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  /** What is not as it is said in the table, under the rules as they are or changed. */
  function oddities(change: (alert: Rule) => void = () => undefined): Set<string> {
    const rules = rulesOf(readRules());
    const alerts = new Set(BOUNDARIES.map(({ alert }) => alert));
    const files = Array.from(alerts, (alert) => {
      const rule = rules.find((each) => each.alert === alert)!;
      change(rule);
      const boundaries = BOUNDARIES.filter((each) => each.alert === alert);
      return writeTests(alert, [...neededBy(rule, rules), rule], boundaries);
    });
    const { error, stdout, stderr } = spawnSync("promtool", ["test", "rules", ...files], {
      encoding: "utf8",
      maxBuffer: 1e8,
    });
    if (error) throw new Error("there is no promtool: test/setup.sh installs it", { cause: error });
    const output = stdout + stderr;
    if (!/SUCCESS|FAILED/.test(output)) throw new Error(output);
    return new Set([...output.matchAll(/ # (.*)", time: /g)].map(([, name]) => name!));
  }

  /** With the rules that the alert needs, and no others: each is evaluated every half minute. */
  function writeTests(
    alert: string,
    rules: readonly Rule[],
    boundaries: readonly Boundary[],
  ): string {
    const groups = [{ name: "needed", interval: `${STEP_SECONDS}s`, rules }];
    writeFileSync(join(scratch, `${alert}.yaml`), stringify({ groups }));
    const tests = boundaries.flatMap(({ what, below, above, fires }) => {
      const name = `${alert}, ${what}`;
      const early = fires && secondsOf(fires) - STEP_SECONDS;
      return [
        testOf(`${name}: below`, alert, below, [[END, false]]),
        testOf(`${name}: above`, alert, above, [[fires ?? END, true]]),
        ...(early ? [testOf(`${name}: early`, alert, above, [[`${early}s`, false]])] : []),
      ];
    });
    const file = join(scratch, `${alert}.test.yaml`);
    const evaluation_interval = `${STEP_SECONDS}s`;
    writeFileSync(file, stringify({ rule_files: [`${alert}.yaml`], evaluation_interval, tests }));
    return file;
  }

  const namesOf = (which: string, timed: boolean): Set<string> =>
    new Set(
      BOUNDARIES.filter(({ fires }) => !timed || fires !== undefined).map(
        ({ alert, what }) => `${alert}, ${what}: ${which}`,
      ),
    );

  it(
    "are what just enough reaches in just the time, and just too little does not",
    verifies("alerts"),
    () => {
      expect([...oddities()]).toEqual([]);
      expect(new Set(BOUNDARIES.map(({ alert }) => alert))).toEqual(
        new Set(alertsOf(readRules()).map(({ alert }) => alert)),
      );
    },
  );

  it("are missed where they are an eighth higher", verifies("alerts"), () => {
    const odd = oddities((alert) => {
      alert.expr = alert.expr.replaceAll(THRESHOLD, (text) => moved(text, 1));
    });
    const expected = [...namesOf("above", false)].filter((name) => !UNMOVED.test(name));
    expect([...odd]).toEqual(expect.arrayContaining(expected));
  });

  it("are noticed where they are an eighth lower, or wait for less", verifies("alerts"), () => {
    const odd = oddities((alert) => {
      alert.expr = alert.expr.replaceAll(THRESHOLD, (text) => moved(text, -1));
      if (alert.for) alert.for = `${secondsOf(alert.for) - STEP_SECONDS}s`;
    });
    const below = [...namesOf("below", false)].filter((name) => !UNMOVED.test(name));
    expect([...odd]).toEqual(expect.arrayContaining([...below, ...namesOf("early", true)]));
  });

  it("are missed where they wait for longer", verifies("alerts"), () => {
    const odd = oddities((alert) => {
      if (alert.for) alert.for = `${secondsOf(alert.for) + STEP_SECONDS}s`;
    });
    expect([...odd]).toEqual(expect.arrayContaining([...namesOf("above", true)]));
  });

  it("look back for as long as their names say, every half minute", verifies("alerts"), () => {
    const { groups } = readRules();
    for (const { interval, name } of groups) expect(interval, name).toBe("30s");
    for (const { record, expr } of rulesOf({ groups })) {
      const window = record && /_?(?:rate|increase)(\w+)$/.exec(record)?.[1];
      const windows = [...expr.matchAll(/\[(\w+)\]/g)].map(([, each]) => each);
      if (record) expect(new Set(windows), record).toEqual(new Set(window ? [window] : []));
    }
  });
});

/** What the rule asks of what others record; none of them asks of another. */
const neededBy = ({ expr }: Rule, rules: readonly Rule[]): Rule[] =>
  rules.filter(({ record }) => record !== undefined && expr.includes(record));

function testOf(
  name: string,
  alert: string,
  samples: Samples,
  firing: readonly (readonly [at: string, firing: boolean])[],
) {
  return {
    interval: `${STEP_SECONDS}s`,
    input_series: Object.entries(samples).map(([series, values]) => ({
      series,
      values: repeated(String(values)),
    })),
    promql_expr_test: firing.map(([at, fires]) => ({
      // Of what is not as expected promtool tells the expression alone.
      expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) # ${name}`,
      eval_time: at,
      exp_samples: fires ? [{ labels: "{}", value: 1 }] : [],
    })),
  };
}

/** The last of the values goes on to the end. */
function repeated(values: string): string {
  const text = values.trim();
  return /(stale|_)$|x\d+$/.test(text) ? text : `${text}x${STEPS}`;
}
