import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Seen } from "../../chaos/law/seen.ts";
import {
  accountOf,
  connected,
  entries,
  event,
  gap,
  historyOf,
  judge,
} from "../support/chaos-law.ts";
import { verifies } from "../support/verifies.ts";

const log = entries(1_000, 9);
const history = historyOf({ final: log });
const all = log.map((entry) => event(entry));
const wrong = (seen: readonly Seen[], of = history) => judge(accountOf(seen), of).wrong;

describe("the judge of one reader", () => {
  it("finds nothing where each event came once, in order, over several connections", () => {
    const seen = [connected, ...all.slice(0, 4), connected, connected, ...all.slice(4)];
    const { tally, wrong } = judge(accountOf(seen), history);
    expect(wrong).toEqual({});
    expect(tally).toEqual({ delivered: 9, gaps: 0, takenBack: 0 });
  });

  it(
    "finds events that were left out in the middle, at the start and at the end",
    verifies("chaos-law"),
    () => {
      expect(wrong(all.toSpliced(3, 2))).toEqual({ lost: 2, untold: 1 });
      expect(wrong(all.slice(2))).toEqual({ lost: 2 });
      expect(wrong(all.slice(0, 7))).toEqual({ lost: 2 });
      expect(wrong([])).toEqual({ lost: 1 });
    },
  );

  it("finds an event that came twice, at once or later", verifies("chaos-law"), () => {
    expect(wrong(all.toSpliced(3, 0, all[2]!))).toEqual({ doubled: 1 });
    expect(wrong([...all.slice(0, 6), all[1]!, ...all.slice(6)])).toMatchObject({ doubled: 1 });
  });

  it("finds events that changed places", verifies("chaos-law"), () => {
    const seen = [...all.slice(0, 3), all[4]!, all[3]!, ...all.slice(5)];
    expect(wrong(seen)).toMatchObject({ disordered: 1 });
  });

  it(
    "finds content that is not the log's, and events that no log ever held",
    verifies("chaos-law"),
    () => {
      const altered = event({ ...log[2]!, digest: "another" });
      expect(wrong(all.with(2, altered))).toEqual({ phantom: 1 });
      const swapped = event({ ...log[2]!, mark: log[5]!.mark, digest: log[5]!.digest });
      expect(wrong(all.with(2, swapped))).toEqual({ phantom: 1 });
      const ghosts = entries(1_000, 11).slice(9);
      const known = historyOf({ final: log, unknown: ghosts });
      expect(wrong([...all, ...ghosts.map((entry) => event(entry))], known)).toEqual({
        phantom: 2,
        lost: 1,
      });
    },
  );

  it(
    "finds an id that is ahead of what was delivered: the next cut would lose it",
    verifies("chaos-law"),
    () => {
      const ahead: Seen = { kind: "cursor", cursor: `x1.${log[5]!.id}` };
      expect(wrong([...all.slice(0, 4), ahead, ...all.slice(6)])).toEqual({ untold: 1 });
    },
  );

  it("holds each topic of a reader of several to its own log, and its cursor to both", () => {
    const both = historyOf({ final: log });
    for (const { mark, digest } of log) both.addSent({ mark, digest, sentAt: 0 });
    both.addBranch({ topic: "app:b", entries: log, final: true });
    const pair = (a: number, b: number) =>
      `x1.${a < 0 ? "0-0" : log[a]!.id},${b < 0 ? "0-0" : log[b]!.id}`;
    const seen = log.flatMap((entry, i) => [
      event(entry, "app:a", pair(i, i - 1)),
      event(entry, "app:b", pair(i, i)),
    ]);
    const topics = ["app:a", "app:b"];
    expect(judge(accountOf(seen, { topics }), both).wrong).toEqual({});
    const skewed = seen.with(4, event(log[2]!, "app:a", pair(2, 2)));
    expect(judge(accountOf(skewed, { topics }), both).wrong).toEqual({ untold: 2 });
  });
});

describe("the judge of a reader with a filter", () => {
  const wanted = new Set([1, 2, 5, 8].map((i) => log[i]!.mark));
  const wants = (mark: string) => wanted.has(mark);
  const given = [1, 2, 5, 8].map((i) => all[i]!);
  const at = (i: number): Seen => ({ kind: "cursor", cursor: `x1.${log[i]!.id}` });
  const found = (seen: readonly Seen[], of = history) =>
    judge(accountOf(seen, { wants }), of).wrong;

  it(
    "finds nothing where it is given all that it wants, whatever its cursor passes over",
    verifies("chaos-law"),
    () => {
      expect(found(given)).toEqual({});
      expect(
        found([at(0), ...given.slice(0, 2), at(3), at(4), connected, ...given.slice(2)]),
      ).toEqual({});
    },
  );

  it("finds what it wanted and was not given, or was given twice", verifies("chaos-law"), () => {
    expect(found(given.toSpliced(2, 1))).toEqual({ lost: 1 });
    expect(found(given.slice(1))).toEqual({ lost: 1 });
    expect(found(given.slice(0, 3))).toEqual({ lost: 1 });
    expect(found([])).toEqual({ lost: 4 });
    expect(found(given.toSpliced(1, 0, given[0]!))).toEqual({ doubled: 1 });
    expect(found([given[1]!, given[0]!, ...given.slice(2)])).toMatchObject({ disordered: 1 });
  });

  it("finds what it did not ask for", verifies("chaos-law"), () => {
    expect(found(given.toSpliced(2, 0, all[3]!))).toEqual({ phantom: 1 });
  });

  it("finds a cursor that passes over what it wants", verifies("chaos-law"), () => {
    expect(found([...given.slice(0, 2), at(6), ...given.slice(3)])).toEqual({ lost: 1 });
    expect(found([...given.slice(0, 2), at(5), ...given.slice(3)])).toEqual({ untold: 1 });
  });

  it("takes a true reset, and finds it missing", verifies("chaos-law"), () => {
    const fresh = entries(5_000, 6);
    const flushed = historyOf({ gone: [log], final: fresh });
    const after = fresh.map((entry) => event(entry));
    const pick = (mark: string) => wants(mark) || [1, 4].some((i) => fresh[i]!.mark === mark);
    const told = (...notice: Seen[]) =>
      judge(
        accountOf([...given.slice(0, 3), ...notice, after[1]!, after[4]!], { wants: pick }),
        flushed,
      ).wrong;
    expect(told(gap(log[5]!.id, fresh[0]!.id, "reset", null))).toEqual({});
    // Where it stands its cursor may have told it, or not yet.
    expect(told(gap(log[7]!.id, fresh[0]!.id, "reset", null))).toEqual({});
    expect(told()).toEqual({ untold: 1 });
  });
});

describe("the judge of notices", () => {
  const fresh = entries(5_000, 6);
  const flushed = historyOf({ gone: [log], final: fresh });
  const after = fresh.map((entry) => event(entry));
  const reset = gap(log[3]!.id, fresh[0]!.id, "reset", null);

  it(
    "takes a true reset, and finds it missing, though the numbers may join on",
    verifies("chaos-law"),
    () => {
      expect(wrong([...all.slice(0, 4), reset, ...after], flushed)).toEqual({});
      expect(wrong([...all.slice(0, 4), ...after], flushed)).toEqual({ untold: 1 });
      // The fourth of the one, then the fifth of the other.
      expect(wrong([...all.slice(0, 4), ...after.slice(4)], flushed)).toEqual({
        lost: 4,
        untold: 1,
      });
    },
  );

  it(
    "finds a reset of which there was no need, or that leads elsewhere",
    verifies("chaos-law"),
    () => {
      const needless = gap(log[3]!.id, log[4]!.id, "reset", null);
      expect(wrong([...all.slice(0, 4), needless, ...all.slice(4)])).toEqual({ untrue: 1 });
      const late = [...all.slice(0, 4), reset, ...after.slice(1)];
      expect(wrong(late, flushed)).toEqual({ untrue: 1 });
      const early = [...all.slice(0, 5), reset, ...after];
      expect(wrong(early, flushed)).toEqual({ untrue: 1 });
    },
  );

  it(
    "takes a true trim, and finds a wrong number, and events that were still there",
    verifies("chaos-law"),
    () => {
      const trimmed = historyOf({ final: log.slice(6), unknown: log });
      for (const { id, mark } of log.slice(0, 6)) trimmed.addAcked("app:a", mark, id, 0);
      const told = (missed: number) =>
        [
          ...all.slice(0, 2),
          gap(log[1]!.id, log[6]!.id, "trimmed", missed),
          ...all.slice(6),
        ] as const;
      expect(wrong(told(4), trimmed)).toEqual({});
      expect(wrong(told(3), trimmed)).toEqual({ untrue: 1 });
      expect(wrong(told(4), history)).toEqual({ lost: 4 });
    },
  );

  it("takes a true drop, and finds a wrong number", verifies("chaos-law"), () => {
    const told = (count: number): Seen[] => {
      const [from, to] = [log[1]!.id, log[8]!.id];
      const cursor = `x1.${to.split("-")[0]}-8`;
      return [
        ...all.slice(0, 2),
        { kind: "dropped", topic: "app:a", cursor, from, to, count },
        all[8]!,
      ];
    };
    expect(wrong(told(6))).toEqual({});
    expect(wrong(told(5))).toEqual({ untrue: 1 });
  });

  it(
    "lets a failover take events back from a reader who is told, and from no other",
    verifies("chaos-law"),
    () => {
      const kept = log.slice(0, 4);
      const taken = log.slice(4, 6);
      const renewed = entries(3_000, 3, 5);
      const final = [...kept, ...renewed];
      const told = [
        ...all.slice(0, 6),
        gap(taken[1]!.id, renewed[0]!.id, "reset", null),
        ...renewed.map((entry) => event(entry)),
      ];
      const window = { fromMs: 1_000, toMs: 2_000 };
      const failedOver = historyOf({ final, unknown: taken, window });
      expect(judge(accountOf(told), failedOver)).toMatchObject({
        wrong: {},
        tally: { takenBack: 2 },
      });
      expect(wrong(told.toSpliced(6, 1), failedOver)).toMatchObject({ phantom: 2 });
      expect(wrong(told, historyOf({ final, unknown: taken }))).toMatchObject({ phantom: 2 });
    },
  );
});

/** A lawful account: two incarnations, any number of connections, a notice between. */
const lawful = fc
  .record({
    first: fc.integer({ min: 3, max: 12 }),
    read: fc.integer({ min: 2, max: 12 }),
    second: fc.integer({ min: 3, max: 12 }),
    cuts: fc.array(fc.nat(30), { maxLength: 5 }),
  })
  .map(({ first, read, second, cuts }) => {
    const [gone, final] = [entries(1_000, first), entries(9_000, second)];
    const before = gone.slice(0, read).map((entry) => event(entry));
    const told = gap(gone[Math.min(read, first) - 1]!.id, final[0]!.id, "reset", null);
    const seen: Seen[] = [...before, told, ...final.map((entry) => event(entry))];
    for (const cut of cuts) seen.splice(cut % (seen.length + 1), 0, connected);
    return { seen, history: historyOf({ gone: [gone], final }) };
  });

describe("any account", () => {
  it("that is lawful is clean, and with one thing changed is not", verifies("chaos-law"), () => {
    fc.assert(
      fc.property(
        lawful,
        fc.nat(),
        fc.nat(),
        fc.constantFrom("omit", "repeat", "swap"),
        (made, i, j, how) => {
          const { seen, history } = made;
          expect(judge(accountOf(seen), history)).toMatchObject({ wrong: {} });
          const said = seen.flatMap((item, index) => (item.kind === "connected" ? [] : [index]));
          const at = said[i % said.length]!;
          const next = said[(i % said.length) + 1];
          const changed = [...seen];
          if (how === "omit") changed.splice(at, 1);
          else if (how === "repeat")
            changed.splice(1 + at + (j % (seen.length - at)), 0, seen[at]!);
          else if (next === undefined) return;
          else [changed[at], changed[next]] = [changed[next]!, changed[at]!];
          expect(judge(accountOf(changed), history).wrong).not.toEqual({});
        },
      ),
      { numRuns: 500 },
    );
  });
});
