import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { REQUIREMENTS } from "../requirements.ts";

const sources = readdirSync("test", { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".test.ts"))
  .map((path) => readFileSync(`test/${path}`, "utf8"));
const cited = new Set(
  sources.flatMap((source) =>
    [...source.matchAll(/verifies\(([^)]*)\)/g)].flatMap(([, ids]) =>
      [...ids!.matchAll(/"([\w-]+)"/g)].map(([, id]) => id!),
    ),
  ),
);

describe("the requirements", () => {
  it("are each cited by a test", () => {
    expect(Object.keys(REQUIREMENTS).filter((id) => !cited.has(id))).toEqual([]);
  });
});
