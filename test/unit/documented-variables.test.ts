import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ENVIRONMENT } from "../../src/config.ts";
import { inRoot } from "../contract/support-dockerfile.ts";
import { verifies } from "../support/verifies.ts";

/** Of gateways and Grafana, and Node's errors. */
const FOREIGN = /^(KONG|TRAEFIK|APISIX|NGINX|GF|ERR)_/;

describe("what is documented of variables", () => {
  const read = (path: string) => readFileSync(inRoot(path), "utf8");
  const filesOf = (path: string, ...endings: string[]) =>
    readdirSync(inRoot(path), { recursive: true, encoding: "utf8" })
      .filter((file) => endings.some((ending) => file.endsWith(ending)))
      .map((file) => `${path}/${file}`);
  const documents = ["README.md", ...filesOf("docs", ".md"), ...filesOf("k8s", ".md", ".yaml")];
  const programs = ["test", "bench", "chaos"].flatMap((path) => filesOf(path, ".ts"));
  /** Of the tests and tools themselves. */
  const ofTools = programs.flatMap((path) =>
    [...read(path).matchAll(/process\.env(?:\["|\.)([A-Z_]+)/g)].map(([, name]) => name!),
  );

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
      return [...text.matchAll(/(?<![\w.-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w)/g)]
        .map(([name]) => name)
        .filter((name) => !known.has(name) && !others.has(name) && !FOREIGN.test(name))
        .map((name) => `${path}: ${name}`);
    });
    expect([...new Set(unknown)]).toEqual([]);
  });
});
