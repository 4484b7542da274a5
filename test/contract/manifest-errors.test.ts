import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { verifies } from "../support/verifies.ts";
import type { Break } from "./manifests/breaking.ts";
import { FOLKLORE, folkloreProblems } from "./manifests/folklore.ts";
import { MISTYPED } from "./manifests/mistyped.ts";
import { PLANTED_BILLING } from "./manifests/planted-billing.ts";
import { PLANTED_EDGE } from "./manifests/planted-edge.ts";
import { PLANTED_EXPOSURE } from "./manifests/planted-exposure.ts";
import { PLANTED_GATEWAYS } from "./manifests/planted-gateways.ts";
import { PLANTED_GOOGLE } from "./manifests/planted-google.ts";
import { PLANTED_KONG } from "./manifests/planted-kong.ts";
import { PLANTED_MEASURES } from "./manifests/planted-measures.ts";
import { PLANTED_MEMORY } from "./manifests/planted-memory.ts";
import { PLANTED_NETWORK } from "./manifests/planted-network.ts";
import { PLANTED_OBJECTS } from "./manifests/planted-objects.ts";
import { PLANTED_PODS } from "./manifests/planted-pods.ts";
import { PLANTED_PROBES } from "./manifests/planted-probes.ts";
import { PLANTED_REDIS } from "./manifests/planted-redis.ts";
import { PLANTED_REFUSALS } from "./manifests/planted-refusals.ts";
import { PLANTED_ROLLOUT } from "./manifests/planted-rollout.ts";
import { PLANTED_SCALING } from "./manifests/planted-scaling.ts";
import { PLANTED_SECURITY } from "./manifests/planted-security.ts";
import { PLANTED_TIMERS } from "./manifests/planted-timers.ts";
import { PLANTED_TLS } from "./manifests/planted-tls.ts";
import { PLANTED_VALKEY } from "./manifests/planted-valkey.ts";
import { build, type Overlay, rendered } from "./manifests/rendered.ts";
import { type RuleName, RULES } from "./manifests/rules.ts";
import { schemaProblems, valueProblems } from "./manifests/schemas.ts";

const PLANTED = [
  ...PLANTED_PODS,
  ...PLANTED_PROBES,
  ...PLANTED_ROLLOUT,
  ...PLANTED_SCALING,
  ...PLANTED_MEASURES,
  ...PLANTED_EDGE,
  ...PLANTED_MEMORY,
  ...PLANTED_SECURITY,
  ...PLANTED_REDIS,
  ...PLANTED_VALKEY,
  ...PLANTED_NETWORK,
  ...PLANTED_OBJECTS,
  ...PLANTED_EXPOSURE,
  ...PLANTED_TLS,
  ...PLANTED_GATEWAYS,
  ...PLANTED_REFUSALS,
  ...PLANTED_BILLING,
  ...PLANTED_GOOGLE,
  ...PLANTED_KONG,
  ...PLANTED_TIMERS,
];

const broken = (name: string, change: Break): Overlay => {
  const copy = structuredClone(rendered(name));
  change(copy);
  return copy;
};

const sound = new Map<string, readonly string[]>();

/** What a rule says of an overlay as it is, which must be nothing. */
function problemsBefore(rule: RuleName, name: string): readonly string[] {
  const key = `${rule} ${name}`;
  const problems = sound.get(key) ?? RULES[rule](rendered(name));
  sound.set(key, problems);
  return problems;
}

describe("an error that is planted", () => {
  it.each(PLANTED)(
    "is caught: %s",
    verifies("manifest-errors"),
    (_, rule, name, change, message) => {
      expect(problemsBefore(rule, name)).toEqual([]);
      expect(RULES[rule](broken(name, change)).join("\n")).toMatch(message);
    },
  );

  it("is caught by each of the rules", verifies("manifest-errors"), () => {
    expect(new Set(PLANTED.map(([, rule]) => rule))).toEqual(new Set(Object.keys(RULES)));
  });

  it(
    "is caught by its schema: all of them at once, each by name",
    verifies("manifest-errors"),
    async () => {
      const found = MISTYPED.map(([, name, change]) => {
        const before = rendered(name).manifests;
        const after = broken(name, change).manifests;
        const [changed, ...others] = after.filter(
          (manifest, index) => JSON.stringify(manifest) !== JSON.stringify(before[index]),
        );
        expect(others).toEqual([]);
        return changed;
      });
      const problems = await schemaProblems(found);
      for (const [what, , , message] of MISTYPED)
        expect(
          problems.filter((problem) => message.test(problem)),
          what,
        ).not.toEqual([]);
    },
  );

  it.each(["policy/v1", "cloud.google.com/v1", "keda.sh/v1alpha1"])(
    "is caught, and not passed over: a kind of %s that has no schema",
    verifies("manifest-errors"),
    async (apiVersion) => {
      const manifest = { apiVersion, kind: "Mistyped", metadata: { name: "novastream" } };
      expect(await valueProblems(manifest)).toEqual([
        expect.stringMatching(/^Mistyped\/novastream: .*Mistyped/),
      ]);
    },
  );

  it.each(FOLKLORE)("is caught: %s", verifies("manifest-errors"), (pattern, truth, example) => {
    expect(JSON.stringify(example)).toMatch(pattern);
    expect(folkloreProblems({ name: "planted", manifests: [example] }).join()).toContain(truth);
  });

  it("is caught by kustomize: a field that it does not know", verifies("manifest-errors"), () => {
    const directory = mkdtempSync(join(tmpdir(), "novastream-kustomize-"));
    try {
      const kind = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
      writeFileSync(join(directory, "kustomization.yaml"), `${kind}resource: []\n`);
      const { status, stderr } = build(directory);
      expect([status, stderr]).toEqual([1, expect.stringMatching(/unknown field \\*"resource/)]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
