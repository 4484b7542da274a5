import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inRoot } from "../support-dockerfile.ts";
import { type Manifest, named } from "./rendered.ts";

/** Whose types an API group's kinds have. Kubernetes' own groups are the ones without a dot, or of k8s.io. */
const PACKAGES: Readonly<Record<string, string>> = {
  "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
  "traefik.io": "@kubernetes-models/traefik",
  "cloud.google.com": "@kubernetes-models/gke",
  "networking.gke.io": "@kubernetes-models/gke",
  "keda.sh": "@kubernetes-models/keda",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};
const OWN_GROUPS = new Set([
  "configuration.konghq.com",
  "apisix.apache.org",
  "monitoring.googleapis.com",
  "autoscaling.gke.io",
]);

interface Schema {
  readonly module: string;
  readonly type: string;
}

function schemaOf({ apiVersion, kind }: Manifest): Schema | undefined {
  const group = String(apiVersion).includes("/") ? String(apiVersion).split("/")[0]! : "";
  if (OWN_GROUPS.has(group))
    return { module: fileURLToPath(inRoot("test/contract/manifests/own-kinds.ts")), type: kind };
  if (PACKAGES[group])
    return { module: `${PACKAGES[group]}/${apiVersion}/${kind}`, type: `I${kind}` };
  const builtIn = !group.includes(".") || group.endsWith(".k8s.io");
  return builtIn
    ? { module: `kubernetes-models/${apiVersion}/${kind}`, type: `I${kind}` }
    : undefined;
}

/** What is wrong with each of them by its kind's schema: in its fields, unknown ones included, and in their values. */
export async function schemaProblems(manifests: readonly Manifest[]): Promise<string[]> {
  const fields = fieldProblems(manifests);
  const values = await Promise.all(manifests.map(valueProblems));
  return [...fields, ...values.flat()];
}

/** Patterns and bounds, which types do not have. Fields are the compiler's part: this passes over those it does not know. */
export async function valueProblems(manifest: Manifest): Promise<string[]> {
  const schema = schemaOf(manifest);
  if (!schema || schema.type !== `I${manifest.kind}`) return [];
  try {
    const models = (await import(schema.module)) as Record<
      string,
      new (data: Manifest) => { validate(): void }
    >;
    const Model = models[manifest.kind as string];
    if (!Model) return [`${named(manifest)}: ${schema.module} has no such kind`];
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${named(manifest)}: ${(error as Error).message}`];
  }
}

/** Each becomes a typed literal of a module that the compiler checks. */
function fieldProblems(manifests: readonly Manifest[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), "novastream-manifests-"));
  try {
    // Two lines for each of them, so that a line tells which it is.
    const lines = manifests.flatMap((manifest, index) => {
      const schema = schemaOf(manifest);
      return schema
        ? [
            `import type { ${schema.type} as Kind${index} } from ${JSON.stringify(schema.module)};`,
            `export const manifest${index}: Kind${index} = ${JSON.stringify(manifest)};`,
          ]
        : [`export const manifest${index}: never = "of a kind without a schema";`, ""];
    });
    writeFileSync(join(directory, "manifests.ts"), lines.join("\n"));
    writeFileSync(
      join(directory, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          module: "nodenext",
          target: "es2023",
          strict: true,
          noEmit: true,
          skipLibCheck: true,
          allowImportingTsExtensions: true,
          types: [],
        },
        files: ["manifests.ts"],
      }),
    );
    symlinkSync(fileURLToPath(inRoot("node_modules")), join(directory, "node_modules"));
    const compiler = fileURLToPath(inRoot("node_modules/.bin/tsc"));
    const { status, stdout, stderr, error } = spawnSync(
      compiler,
      ["-p", directory, "--pretty", "false"],
      { encoding: "utf8", maxBuffer: 64 * 1_024 ** 2 },
    );
    if (error) throw error;
    const problems = [...stdout.matchAll(/manifests\.ts\((\d+),\d+\): error TS\d+: (.*)/g)].map(
      ([, line, message]) => `${named(manifests[Math.floor((Number(line) - 1) / 2)])}: ${message}`,
    );
    if (status !== 0 && problems.length === 0) throw new Error(`tsc: ${stdout}${stderr}`);
    return problems;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
