import { expect, it } from "vitest";
import { parseOptions as parseBench } from "../../bench/options.ts";
import { SCENARIOS } from "../../bench/scenarios/registry.ts";
import { parseOptions as parseChaos } from "../../chaos/options.ts";
import { UsageError } from "../../tools/options.ts";

const bench = (...args: string[]) => parseBench(args)!;
const chaos = (...args: string[]) => parseChaos(args, () => 1)!;

it("numbers are whole, from 1 to as many digits as the tool can use", () => {
  expect(bench("--readers", "999999").sizes.readers).toBe(999_999);
  expect(chaos("--seed", "999999999").firstSeed).toBe(999_999_999);
  for (const text of ["0", "007", "1.5", "1e3", "many", "", "1000000"])
    expect(() => bench("--readers", text)).toThrow(
      new UsageError(`--readers must be a whole number from 1 to 999999, not ${text}`),
    );
  for (const text of ["0", "1000000000"])
    expect(() => chaos("--seeds", text)).toThrow(
      new UsageError(`--seeds must be a whole number from 1 to 999999999, not ${text}`),
    );
});

it("names are those that there are, in the order of the tool", () => {
  const [first, second] = SCENARIOS.map(({ name }) => name);
  expect(bench("--only", second!, "--only", first!).scenarios).toEqual([first, second]);
  expect(() => bench("--subject", "novastream", "--subject", "nginx")).toThrow(
    /^--subject must be one of novastream, .*, plain-get, not nginx$/,
  );
  expect(chaos("--redis", "cluster", "--redis", "standalone").forms).toEqual([
    "standalone",
    "cluster",
  ]);
  expect(() => chaos("--redis", "mongo")).toThrow(/^--redis must be one of .*, all, not mongo$/);
});

it("an option that there is not is one of usage too", () => {
  expect(() => bench("--colour")).toThrow(UsageError);
  expect(() => chaos("--colour")).toThrow(UsageError);
});
