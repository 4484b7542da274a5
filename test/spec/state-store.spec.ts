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

  describe("a claim that is renewed", () => {
    it("is set anew by whoever knows what holds, once", async () => {
      await state.claim("chat", "first", 60_000);
      const answers = await Promise.all(
        ["second", "third", "fourth"].map((value) => state.reclaim("chat", "first", value, 60_000)),
      );
      const holds = await state.claimed("chat");
      expect(new Set(answers)).toEqual(new Set([holds]));
      expect(holds).not.toBe("first");
      expect(await state.reclaim("chat", "first", "late", 60_000)).toBe(holds);
      expect(await state.reclaim("vacant", "anything", "mine", 20)).toBe("mine");
      await eventually(async () => (await state.claimed("vacant")) === undefined);
    });
  });

  describe("what is held in a group", () => {
    it("is held until its time is up or it is let go, and can be renewed", async () => {
      expect(await state.hold("leases", ["a", "b", "c"], 60_000)).toBe(true);
      expect(await state.hold("leases", ["brief"], 1)).toBe(true);
      await eventually(async () => (await state.lapsed("leases", 10)).length === 1);
      expect(await state.lapsed("leases", 10)).toEqual(["brief"]);
      expect(await state.held("leases", ["c", "brief", "unknown", "a"])).toEqual([
        true,
        false,
        false,
        true,
      ]);
      await state.hold("leases", ["brief"], 60_000);
      expect(await state.lapsed("leases", 10)).toEqual([]);
      await state.letGo("leases", ["a", "brief", "unknown"]);
      expect(await state.held("leases", ["a", "b", "brief"])).toEqual([false, true, false]);
      expect(await state.held("others", ["b"])).toEqual([false]);
    });

    it("lapses in order of time, and stays found until it is let go", async () => {
      for (const name of ["late", "later", "latest"]) {
        await state.hold("leases", [name], 1);
        await eventually(async () => (await state.lapsed("leases", 10)).includes(name));
      }
      expect(await state.lapsed("leases", 2)).toEqual(["late", "later"]);
      await state.letGo("leases", ["late"]);
      expect(await state.lapsed("leases", 10)).toEqual(["later", "latest"]);
    });

    it("keeps to a limit, of which what has lapsed takes nothing", async () => {
      const asked = Array.from({ length: 10 }, (_, i) => state.hold("few", [`n${i}`], 60_000, 3));
      expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(3);
      // Renewing is not asking for more.
      const held = await state.held("few", ["n0", "n1", "n2"]);
      expect(held).toEqual([true, true, true]);
      expect(await state.hold("few", ["n0", "n1", "n2"], 60_000, 3)).toBe(true);
      expect(await state.hold("few", ["n9"], 60_000, 3)).toBe(false);
      await state.hold("few", ["n0"], 1, 3);
      await eventually(() => state.hold("few", ["n9"], 60_000, 3));
    });

    it("may be many", async () => {
      const names = Array.from({ length: 2_500 }, (_, i) => `n${i}`);
      await state.hold("leases", names, 60_000);
      expect(new Set(await state.held("leases", names))).toEqual(new Set([true]));
      await state.letGo("leases", names);
      expect(new Set(await state.held("leases", names))).toEqual(new Set([false]));
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
