import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

describe("the decision records", () => {
  it("have a number each, which their titles say too", () => {
    const directory = new URL("../../docs/decisions/", import.meta.url);
    const numbers = readdirSync(directory).map((name) => Number(name.slice(0, 4)));
    expect(new Set(numbers).size).toBe(numbers.length);
    const titled = readdirSync(directory).map((name) =>
      Number(/^# (\d+)\. /.exec(readFileSync(new URL(name, directory), "utf8"))?.[1]),
    );
    expect(titled).toEqual(numbers);
  });
});
