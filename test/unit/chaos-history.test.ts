import { describe, expect, it } from "vitest";
import { Findings } from "../../chaos/law/findings.ts";
import type { History } from "../../chaos/law/history.ts";
import type { Seen } from "../../chaos/law/seen.ts";
import {
  accountOf,
  connected,
  entries,
  event,
  gap,
  historyOf,
  judge,
  wrongOf,
} from "../support/chaos-law.ts";
import { verifies } from "../support/verifies.ts";

const log = entries(1_000, 6);

function check(history: History): { wrong: Record<string, number>; takenBack: number } {
  const findings = new Findings();
  const takenBack = history.check(findings);
  return { wrong: wrongOf(findings), takenBack };
}

describe("the log itself", () => {
  it("is sound where it is dense, in order and without repetition", () => {
    expect(check(historyOf({ final: log }))).toEqual({ wrong: {}, takenBack: 0 });
  });

  it(
    "is not where a number is missing, time runs backwards, or an event stands twice",
    verifies("chaos-law"),
    () => {
      expect(check(historyOf({ final: log.toSpliced(2, 1) })).wrong).toEqual({ lost: 1 });
      expect(check(historyOf({ final: log.with(3, { ...log[3]!, id: "1-4" }) })).wrong).toEqual({
        lost: 1,
      });
      const twice = log.with(4, { ...log[2]!, id: log[4]!.id });
      expect(check(historyOf({ final: twice })).wrong).toEqual({ doubled: 1 });
    },
  );

  it(
    "must hold what was acknowledged, in whatever state it was then",
    verifies("chaos-law"),
    () => {
      const [gone, final] = [entries(1_000, 3), entries(5_000, 3)];
      const history = historyOf({ gone: [gone], final });
      for (const { id, mark } of [...gone, ...final]) history.addAcked("app:a", mark, id, 0);
      expect(check(history).wrong).toEqual({});
      history.addAcked("app:a", "p/none", "1005-4", 0);
      history.addAcked("app:a", "p/untold", undefined, 0);
      expect(check(history).wrong).toEqual({ lost: 2 });
      expect(history.acknowledged).toBe(8);
    },
  );

  it(
    "need not hold what retention has trimmed, or a failover may have taken back",
    verifies("chaos-law"),
    () => {
      const trimmed = historyOf({ final: log.slice(3), unknown: log });
      for (const { id, mark } of log) trimmed.addAcked("app:a", mark, id, 0);
      expect(check(trimmed)).toEqual({ wrong: {}, takenBack: 0 });
      const window = { fromMs: 1_040, toMs: 2_000 };
      const failedOver = historyOf({ final: log.slice(0, 4), unknown: log, window });
      for (const { id, mark } of log) failedOver.addAcked("app:a", mark, id, 0);
      expect(check(failedOver)).toEqual({ wrong: {}, takenBack: 2 });
    },
  );
});

describe("the judge of a reader without positions", () => {
  const history = historyOf({ topic: "logs:a", final: log });
  const lines = log.map((entry) => event(entry, "logs:a", ""));
  const wrong = (seen: readonly Seen[]) =>
    judge(accountOf(seen, { topics: ["logs:a"], resumes: false }), history).wrong;

  it("takes a contiguous run from each connection, wherever it begins", () => {
    const seen = [connected, ...lines.slice(0, 4), connected, ...lines.slice(1)];
    expect(wrong(seen)).toEqual({});
  });

  it(
    "finds within one connection what was left out, came twice, or was never there",
    verifies("chaos-law"),
    () => {
      expect(wrong([connected, ...lines.toSpliced(2, 1)])).toEqual({ untold: 1 });
      expect(wrong([connected, ...lines.toSpliced(2, 0, lines[1]!)])).toMatchObject({ doubled: 1 });
      const altered = event({ ...log[5]!, digest: "another" }, "logs:a", "");
      expect(wrong([connected, ...lines.with(5, altered)])).toEqual({ phantom: 1 });
    },
  );

  it(
    "takes it that an event was taken back and appended again, where its reader is told",
    verifies("chaos-law"),
    () => {
      const taken = entries(3_000, 3, 7);
      // The last of those is in the log all the same, at another place.
      const final = [...log, { ...taken[2]!, id: "9000-7" }];
      const window = { fromMs: 3_000, toMs: 4_000 };
      const failedOver = historyOf({ topic: "logs:a", final, unknown: taken, window });
      const told = event(final[6]!, "logs:a", "");
      const seen = [connected, ...lines, ...taken.map((entry) => event(entry, "logs:a", ""))];
      const found = (...rest: Seen[]) =>
        judge(accountOf([...seen, ...rest], { topics: ["logs:a"], resumes: false }), failedOver)
          .wrong;
      expect(found(gap(taken[2]!.id, "9000-7", "reset", null), told)).toEqual({});
      expect(found()).toMatchObject({ phantom: 3 });
    },
  );

  it("finds one whose last connection does not reach the end", verifies("chaos-law"), () => {
    expect(wrong([connected, ...lines.slice(0, 5)])).toEqual({ lost: 1 });
    expect(wrong([connected, ...lines, connected])).toEqual({ lost: 1 });
  });
});
