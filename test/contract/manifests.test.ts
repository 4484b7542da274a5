import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { verifies } from "../support/verifies.ts";
import { MADE_ELSEWHERE } from "./manifests/references.ts";
import { allOf, build, type Manifest, OVERLAYS, readYaml, rendered } from "./manifests/rendered.ts";
import { RULES } from "./manifests/rules.ts";
import { schemaProblems } from "./manifests/schemas.ts";
import { inRoot } from "./support-dockerfile.ts";

const rules = Object.entries(RULES);

describe.each(OVERLAYS)("k8s/overlays/%s", (name) => {
  it("builds without a complaint", verifies("overlays"), () => {
    const { status, stderr } = build(`k8s/overlays/${name}`);
    expect([status, stderr]).toEqual([0, ""]);
  });

  it.each(rules)("%s", verifies("manifest-rules"), (_, problems) => {
    expect(problems(rendered(name))).toEqual([]);
  });
});

describe("k8s", () => {
  it(
    "has nothing in any overlay that its schema does not know",
    verifies("manifest-schemas"),
    async () => {
      const manifests = OVERLAYS.flatMap((name) => rendered(name).manifests);
      const different = new Map(manifests.map((manifest) => [JSON.stringify(manifest), manifest]));
      expect(await schemaProblems([...different.values()])).toEqual([]);
    },
  );

  it("builds its base alone", verifies("overlays"), () => {
    const { status, stderr } = build("k8s/base");
    expect([status, stderr]).toEqual([0, ""]);
  });

  it("has every component in an overlay", verifies("overlays"), () => {
    const used = (path: string): string[] => {
      const { components = [] } = readYaml(inRoot(`${path}/kustomization.yaml`));
      return components.flatMap((component: string) => {
        const { pathname } = new URL(component, `file:///${path}/`);
        return [pathname.slice(1), ...used(pathname.slice(1))];
      });
    };
    const files = readdirSync(inRoot("k8s/components"), { recursive: true, encoding: "utf8" });
    const components = files
      .filter((file) => file.endsWith("kustomization.yaml"))
      .map((file) => `k8s/components/${file.replace("/kustomization.yaml", "")}`);
    const reached = new Set(OVERLAYS.flatMap((name) => used(`k8s/overlays/${name}`)));
    expect(components.filter((component) => !reached.has(component))).toEqual([]);
  });

  it("has no file that no kustomization names", verifies("overlays"), () => {
    const own = (file: string): boolean =>
      file.startsWith("overlays/") && !OVERLAYS.includes(file.split("/")[1]!);
    const files = readdirSync(inRoot("k8s"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml") && !file.startsWith("charts/") && !own(file))
      .map((file) => `k8s/${file}`);
    const kustomizations = files.filter((file) => file.endsWith("/kustomization.yaml"));
    const named = kustomizations.flatMap((file) => {
      const { resources = [], patches = [] } = readYaml(inRoot(file));
      return [...resources, ...patches.map(({ path }: Manifest) => path ?? "")].map(
        (path: string) => new URL(path, `file:///${file}`).pathname.slice(1),
      );
    });
    const used = new Set([...kustomizations, ...named]);
    expect(files.filter((file) => !used.has(file))).toEqual([]);
  });

  it("tells of every overlay, component and object that somebody else has to make", () => {
    const readme = readFileSync(inRoot("k8s/README.md"), "utf8");
    const components = readdirSync(inRoot("k8s/components"));
    const objects = MADE_ELSEWHERE.map((name) => name.split("/")[1]!);
    for (const name of [...OVERLAYS, ...components, ...objects])
      expect(readme).toContain(`\`${name}`);
  });
});

describe("k8s/components", () => {
  it("lets publishers of the cluster in wherever there is a gateway, by a label alone", () => {
    for (const name of OVERLAYS.filter((overlay) => overlay !== "local")) {
      const policy = allOf(rendered(name), "NetworkPolicy").find(
        ({ metadata }) => metadata.name === "novastream-from-publishers",
      );
      expect(policy?.spec.ingress, name).toEqual([
        {
          from: [{ namespaceSelector: { matchLabels: { "novastream.dev/publisher": "true" } } }],
          ports: [{ protocol: "TCP", port: "http" }],
        },
      ]);
    }
  });
});
