import { describe, expect, it } from "vitest";
import { createMessagePattern } from "../../src/wukongs/message-pattern.ts";
import { memoryUse } from "../support/memory-use.ts";
import { verifies } from "../support/verifies.ts";

/** Letters without a rhythm, and an expression that makes of them an automaton of states without end. */
function lettersOf(seed: number): string {
  let state = seed;
  const letter = () => "ab"[((state = (state * 1_103_515_245 + 12_345) >>> 0) >>> 16) & 1];
  return Array.from({ length: 8_000 }, letter).join("");
}
const DEAR = "(?:[ab]*a[ab]{1,10}){8}[cd]";

describe("the regular expressions of readers", () => {
  it("are compiled once for all readers who have the same", verifies("shared-patterns"), () => {
    expect(createMessagePattern("a+b")).toBe(createMessagePattern("a+b"));
    expect(createMessagePattern("a+b")("xaab")).toBe(true);
    expect(createMessagePattern("a+c")("xaab")).toBe(false);
  });

  it("cost little memory, however dear and many they are", verifies("shared-patterns"), () => {
    const message = lettersOf(12_345);
    createMessagePattern(DEAR)(message);
    const before = memoryUse();
    const kept = Array.from({ length: 12 }, (_, n) => createMessagePattern(`${DEAR}|${n}`));
    for (const pattern of kept) pattern(message);
    const each = (memoryUse() - before) / kept.length;
    expect(each).toBeLessThan(128 * 1024);
    expect(kept.every((pattern) => !pattern(message))).toBe(true);
  });
});
