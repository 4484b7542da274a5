import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";
import { inRoot } from "./support-dockerfile.ts";

/** Of many shapes: what is read from one is what is asserted of it. */
export type Manifest = any;

const BASE = inRoot("k8s/base/");
export const readYaml = (url: URL): Manifest => parse(readFileSync(url, "utf8"));
export const built = spawnSync("kubectl", ["kustomize", fileURLToPath(BASE)], { encoding: "utf8" });
export const hasKubectl = built.error === undefined;
export const manifests: Manifest[] = hasKubectl
  ? parseAllDocuments(built.stdout).map((document) => document.toJS())
  : readDirectly();

/** What kustomize would make of it, as far as these tests look. */
function readDirectly(): Manifest[] {
  const { resources, configMapGenerator } = readYaml(new URL("kustomization.yaml", BASE));
  const configMaps = configMapGenerator.map(({ name, literals }: Manifest) => ({
    kind: "ConfigMap",
    metadata: { name },
    data: Object.fromEntries(
      literals.map((literal: string) => literal.split(/=(.*)/s).slice(0, 2)),
    ),
  }));
  return [...configMaps, ...resources.map((name: string) => readYaml(new URL(name, BASE)))];
}
