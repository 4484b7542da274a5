import { describe, expect, it } from "vitest";
import { EventNumber } from "../../bench/load/event-number.ts";
import { Ledger, sum } from "../../bench/load/ledger.ts";
import { CountingReader } from "../../bench/subjects/counting-reader.ts";
import type { Batch } from "../../src/hub/batch.ts";
import type { Subscription } from "../../src/hub/subscription.ts";

/** The account of a reader who should have been given the numbers from 0 to `end`, without it. */
function account(end: number, given: readonly number[]) {
  const ledger = new Ledger(0);
  for (const number of given) ledger.take(number);
  return ledger.settle(end);
}

describe("a reader's account", () => {
  it("tells a lost event and a doubled one apart, wherever they are", () => {
    expect(account(5, [0, 1, 2, 3, 4])).toEqual({ lost: 0, doubled: 0 });
    expect(account(5, [0, 2, 3, 3, 4])).toEqual({ lost: 1, doubled: 1 });
    expect(account(5, [0, 0, 1, 2, 4])).toEqual({ lost: 1, doubled: 1 });
    expect(account(5, [0, 0, 1, 2, 3])).toEqual({ lost: 1, doubled: 1 });
    expect(account(5, [1, 2, 3, 4, 4])).toEqual({ lost: 1, doubled: 1 });
    expect(account(5, [])).toEqual({ lost: 5, doubled: 0 });
    expect(account(5, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])).toEqual({ lost: 0, doubled: 5 });
  });

  it("counts an event out of its place as lost there, and doubled where it comes", () => {
    expect(account(4, [0, 2, 1, 3])).toEqual({ lost: 1, doubled: 1 });
  });

  it("begins anew once it is settled: what comes too late is doubled", () => {
    const ledger = new Ledger(3);
    expect([3, 5].map((number) => ledger.take(number))).toEqual([1, 2]);
    expect(ledger.settle(7)).toEqual({ lost: 2, doubled: 0 });
    expect([6, 7].map((number) => ledger.take(number))).toEqual([0, 1]);
    expect(ledger.settle(8)).toEqual({ lost: 0, doubled: 1 });
    expect(ledger.settle(8)).toEqual({ lost: 0, doubled: 0 });
  });

  it("is not made up for by another's", () => {
    expect(sum([account(3, [0, 1]), account(3, [0, 1, 2, 2])])).toEqual({ lost: 1, doubled: 1 });
  });
});

describe("the number of an event", () => {
  const text = Buffer.from('{"at":17,"text":"event number #1204"}');

  it("is found wherever its bytes are cut", () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const number = new EventNumber();
      number.read(text, 0, cut);
      if (number.value === undefined) number.read(text, cut, text.length);
      expect(number.value, `cut at ${cut}`).toBe(1_204);
    }
  });

  it("is not known before its last digit is, and is another for the next event", () => {
    const number = new EventNumber();
    const end = text.indexOf('"}');
    expect(number.read(text, 0, end)).toBe(end);
    expect(number.value).toBeUndefined();
    expect(number.read(text, end, text.length)).toBe(end);
    expect(number.value).toBe(1_204);
    number.reset();
    expect(number.read(Buffer.from('#7"'), 0, 3)).toBe(2);
    expect(number.value).toBe(7);
  });
});

it("one who reads within the process ticks off each number, in whatever order they come", () => {
  const reader = new CountingReader(5);
  const give = (...numbers: number[]) => {
    const events = numbers.map((number) => ({ data: `{"text":"event number #${number}"}` }));
    reader.events({} as Subscription, { events } as unknown as Batch);
  };
  give(1, 0, 4);
  give(3, 3);
  expect(reader.deviation).toEqual({ lost: 1, doubled: 1 });
  give(2);
  expect(reader.deviation).toEqual({ lost: 0, doubled: 1 });
});
