import { describe, expect, it } from "vitest";
import { Findings } from "../../chaos/law/findings.ts";
import { Liveness } from "../../chaos/law/liveness.ts";
import { wrongOf } from "../support/chaos-law.ts";
import { verifies } from "../support/verifies.ts";

const BOUND_MS = 8_000;
const watched = (wants?: (mark: string) => boolean) => [{ reader: "r", topic: "app:a", wants }];

/** What is found of one reader. @param play what happens, and when, in ms */
function judge(
  play: (liveness: Liveness) => void,
  endMs: number,
  wants?: (mark: string) => boolean,
) {
  const liveness = new Liveness(watched(wants), BOUND_MS);
  const findings = new Findings();
  play(liveness);
  const longestMs = liveness.check(findings, endMs);
  return { longestMs, wrong: wrongOf(findings) };
}

describe("the law of liveness", () => {
  it(
    "finds a reader who is given nothing for too long while events are acknowledged",
    verifies("chaos-liveness"),
    () => {
      const deaf = judge((liveness) => {
        liveness.given("r", "app:a", "p/1", 900);
        liveness.acknowledged("app:a", "p/2", 1_000);
        liveness.acknowledged("app:a", "p/3", 5_000);
      }, 9_001);
      expect(deaf).toEqual({ longestMs: 8_001, wrong: { late: 1 } });
      const healed = judge((liveness) => {
        liveness.acknowledged("app:a", "p/1", 1_000);
        liveness.given("r", "app:a", "p/1", 10_000);
        liveness.acknowledged("app:a", "p/2", 10_001);
        liveness.given("r", "app:a", "p/2", 10_002);
      }, 60_000);
      expect(healed).toEqual({ longestMs: 9_000, wrong: { late: 1 } });
    },
  );

  it(
    "finds nothing where it is served in time, told in time, or there is nothing for it",
    verifies("chaos-liveness"),
    () => {
      const served = judge((liveness) => {
        for (let at = 0; at < 30_000; at += 5_000) {
          liveness.acknowledged("app:a", `p/${at}`, at);
          liveness.given("r", "app:a", `p/${at}`, at + 4_000);
        }
      }, 60_000);
      expect(served).toEqual({ longestMs: 4_000, wrong: {} });
      const told = judge((liveness) => {
        liveness.acknowledged("app:a", "p/1", 0);
        liveness.told("r", "app:a", 7_000);
      }, 60_000);
      expect(told.wrong).toEqual({});
      // Given before its publisher had heard that it is in.
      const early = judge((liveness) => {
        liveness.given("r", "app:a", "p/1", 0);
        liveness.acknowledged("app:a", "p/1", 1);
        liveness.acknowledged("app:b", "p/2", 1);
      }, 60_000);
      expect(early.wrong).toEqual({});
      const unwanted = judge(
        (liveness) => liveness.acknowledged("app:a", "p/1", 0),
        60_000,
        () => false,
      );
      expect(unwanted.wrong).toEqual({});
    },
  );

  it(
    "does not count the time of faults, and does not begin anew after them",
    verifies("chaos-liveness"),
    () => {
      const faults = (liveness: Liveness): void => {
        liveness.acknowledged("app:a", "p/1", 0);
        for (const at of [3_000, 6_000, 9_000]) liveness.struck(at, at + 1_000, false, at + 1_000);
      };
      expect(judge(faults, 10_900)).toEqual({ longestMs: 7_900, wrong: {} });
      expect(judge(faults, 11_001)).toEqual({ longestMs: 8_001, wrong: { late: 1 } });
    },
  );

  it(
    "takes it that nobody is given what a fault has taken away",
    verifies("chaos-liveness"),
    () => {
      const flushed = judge((liveness) => {
        liveness.acknowledged("app:a", "p/1", 0);
        liveness.struck(100, 200, true, 200);
      }, 60_000);
      expect(flushed.wrong).toEqual({});
    },
  );
});
