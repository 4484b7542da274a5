import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StateStore } from "../../src/state/state-store.ts";
import { eventually } from "../support/wait.ts";

/** The law of the StateStore port. `make` gives an empty one. */
export function stateStoreSpec(make: () => Promise<StateStore>): void {
  let state: StateStore;
  beforeEach(async () => {
    state = await make();
  });
  afterEach(() => state[Symbol.asyncDispose]());

  describe("a claim", () => {
    it("is decided once, whoever asks and however many at a time", async () => {
      const asked = Array.from({ length: 20 }, (_, i) => state.claim("key", `value-${i}`, 60_000));
      const answers = new Set(await Promise.all(asked));
      expect(answers.size).toBe(1);
      expect(await state.claim("key", "late", 60_000)).toBe([...answers][0]);
      expect(await state.claimed("key")).toBe([...answers][0]);
    });

    it("ends with its time, or when it is given up", async () => {
      await state.claim("short", "first", 20);
      await eventually(async () => (await state.claimed("short")) === undefined);
      expect(await state.claim("short", "second", 60_000)).toBe("second");
      await state.release("short");
      expect(await state.claimed("short")).toBeUndefined();
    });
  });

  describe("a directory", () => {
    it("holds each name once and lists them sorted, page by page", async () => {
      const names = ["web-10", "web-2", "api", "web-1", "zoo.a", "api"];
      for (const name of names) await state.add("wukongs", name);
      expect(await state.list("wukongs", "", 3)).toEqual(["api", "web-1", "web-10"]);
      expect(await state.list("wukongs", "web-10", 3)).toEqual(["web-2", "zoo.a"]);
      await state.remove("wukongs", "web-2");
      expect(await state.list("wukongs", "web-10", 3)).toEqual(["zoo.a"]);
      expect(await state.list("others", "", 3)).toEqual([]);
    });
  });
}
