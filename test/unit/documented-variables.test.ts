import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ENVIRONMENT } from "../../src/config.ts";
import { inRoot } from "../contract/support-dockerfile.ts";
import { verifies } from "../support/verifies.ts";

/** Of gateways and Grafana, of image builders, Memorystore's words, and Node's errors. */
const FOREIGN = /^(KONG|TRAEFIK|APISIX|NGINX|GF|ERR|CONNECTION_TYPE)_|^SOURCE_DATE_EPOCH$/;

const NAME = /(?<![\w.-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w)/g;

describe("what is documented of variables", () => {
  const read = (path: string) => readFileSync(inRoot(path), "utf8");
  const filesOf = (path: string, ...endings: string[]) =>
    readdirSync(inRoot(path), { recursive: true, encoding: "utf8" })
      .filter((file) => endings.some((ending) => file.endsWith(ending)))
      .map((file) => `${path}/${file}`);
  const documents = ["README.md", ...filesOf("docs", ".md"), ...filesOf("k8s", ".md", ".yaml")];
  const programs = ["test", "bench", "chaos", "tools"].flatMap((path) => filesOf(path, ".ts"));
  /** Of the tests and tools themselves: what is named by a program that reads the environment. */
  const ofTools = programs
    .map(read)
    .filter((text) => text.includes("process.env"))
    .flatMap((text) => text.match(NAME) ?? []);

  it("is read by somebody", verifies("documented-variables"), () => {
    const known = new Set([...Object.keys(ENVIRONMENT.shape), ...ofTools, "NODE_OPTIONS"]);
    const unknown = documents.flatMap((path) => {
      const text = read(path);
      const others = new Set(
        // `apiKeyEnv` of AI_MODELS names a variable that is then read; a line that only sets one is the shell's.
        [...text.matchAll(/apiKeyEnv\W+(\w+)|^\s*(?:export )?([A-Z_]+)=\S+$/gm)].map(
          ([, named, set]) => (named ?? set)!,
        ),
      );
      return (text.match(NAME) ?? [])
        .filter((name) => !known.has(name) && !others.has(name) && !FOREIGN.test(name))
        .map((name) => `${path}: ${name}`);
    });
    expect([...new Set(unknown)]).toEqual([]);
  });
});
