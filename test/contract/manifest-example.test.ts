import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { verifies } from "../support/verifies.ts";
import { build, OVERLAYS } from "./manifests/rendered.ts";
import { RULES } from "./manifests/rules.ts";
import { inRoot } from "./support-dockerfile.ts";

/** What the overlays put where something of one's own belongs. */
const OURS = /example\.com|my-project|10\.20\.0\.|203\.0\.113\./g;

const filled = readFileSync(inRoot("k8s/overlays/example/kustomization.yaml"), "utf8");
const root = mkdtempSync(join(tmpdir(), "novastream-overlays-"));

beforeAll(() => {
  for (const directory of ["k8s", "observability"])
    cpSync(fileURLToPath(inRoot(directory)), join(root, directory), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

/** An overlay of one's own, as the example tells to make it. */
function buildOn(name: string): string {
  const google = name.startsWith("gke-");
  const components = readFileSync(inRoot(`k8s/overlays/${name}/kustomization.yaml`), "utf8");
  const lines = filled
    .replace("../kong-gke", `../${name}`)
    .replace("# - TRUSTED_PROXIES", google ? "- TRUSTED_PROXIES" : "$&")
    .split("\n")
    .filter((line) => !(components.includes("components/redis") && line.includes("- REDIS_URL=")));
  const mine = join(root, "k8s/overlays", `mine-${name}`);
  mkdirSync(mine);
  writeFileSync(join(mine, "kustomization.yaml"), lines.join("\n"));
  const { status, stdout, stderr } = build(mine);
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

describe("k8s/overlays/example", () => {
  const gateways = OVERLAYS.filter((name) => !["example", "local"].includes(name));

  it.each(gateways)(
    "can be put on %s, and leaves nothing of ours",
    verifies("overlays"),
    (name) => {
      const text = buildOn(name);
      expect([...new Set(text.match(OURS))]).toEqual([]);
      expect(text).toContain("events.acme.test");
      const manifests = parseAllDocuments(text).map((document) => document.toJS());
      for (const [rule, problems] of Object.entries(RULES))
        expect(problems({ name: `mine on ${name}`, manifests }), rule).toEqual([]);
    },
  );
});
