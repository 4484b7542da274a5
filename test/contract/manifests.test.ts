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
    const files = readdirSync(inRoot("k8s"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".yaml") && !file.startsWith("charts/"))
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
  it("does not take a Valkey that still reads its file for one that is ready", () => {
    const [valkey] = allOf(rendered("local"), "StatefulSet")[0].spec.template.spec.containers;
    expect(valkey.readinessProbe.exec.command).toEqual(["valkey-cli", "-e", "ping"]);
    expect(valkey.livenessProbe.exec.command).toEqual(["valkey-cli", "ping"]);
  });

  it("keeps Traefik's connections for the next request", () => {
    const [transport] = allOf(rendered("traefik-gke"), "ServersTransport");
    expect(transport.spec.maxIdleConnsPerHost).toBeGreaterThanOrEqual(100);
  });

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

describe("k8s/charts", () => {
  const seconds = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1]);

  /** What Google's load balancer takes to learn that a node has no pod of a gateway's any more. */
  const STEERS_AWAY_S = 24;
  const traefikFlags = (): string =>
    readYaml(inRoot("k8s/charts/traefik.yaml")).additionalArguments.join("\n");

  it("lets Kong's pods drain before they are killed", verifies("manifest-rules"), () => {
    const { gateway } = readYaml(inRoot("k8s/charts/kong.yaml"));
    const command = gateway.lifecycle.preStop.exec.command.join(" ") as string;
    const wait = seconds(/--wait=(\d+)/, command);
    const drain = seconds(/--timeout=(\d+)/, command);
    expect(wait).toBeGreaterThan(STEERS_AWAY_S);
    expect(gateway.terminationGracePeriodSeconds).toBeGreaterThan(wait + drain);
    expect(gateway.env.nginx_main_worker_shutdown_timeout).toBe(`${drain}s`);
  });

  it("lets Traefik's pods drain before they are killed", verifies("manifest-rules"), () => {
    const { deployment } = readYaml(inRoot("k8s/charts/traefik.yaml"));
    for (const entryPoint of ["websecure", "uploads"]) {
      const flag = (name: string): number =>
        seconds(new RegExp(`entryPoints\\.${entryPoint}\\..*\\.${name}=(\\d+)s`), traefikFlags());
      expect(flag("requestAcceptGraceTimeout")).toBeGreaterThan(STEERS_AWAY_S);
      expect(deployment.terminationGracePeriodSeconds).toBeGreaterThan(
        flag("requestAcceptGraceTimeout") + flag("graceTimeOut"),
      );
      expect(flag("writeTimeout")).toBe(0);
    }
  });

  it("gives uploads five minutes of silence", verifies("manifest-rules"), () => {
    const { gateway } = readYaml(inRoot("k8s/charts/kong.yaml"));
    expect(gateway.env.nginx_http_client_body_timeout).toBe("300s");
  });

  it("bounds requests to Traefik but for uploads", verifies("manifest-rules"), () => {
    const { ports } = readYaml(inRoot("k8s/charts/traefik.yaml"));
    expect(ports.uploads).toMatchObject({ exposedPort: 8443, expose: { default: true } });
    const timeout = (entryPoint: string): number =>
      seconds(new RegExp(`${entryPoint}\\.transport.*readTimeout=(\\d+)s`), traefikFlags());
    expect([timeout("websecure"), timeout("uploads")]).toEqual([60, 0]);
    const entryPoints = allOf(rendered("traefik-gke"), "IngressRoute").flatMap(
      ({ spec }) => spec.entryPoints as string[],
    );
    expect(entryPoints).toEqual(["websecure", "uploads"]);
    expect(traefikFlags()).toContain("entryPoints.web.http.redirections.entryPoint.to=:443");
  });

  it.each(["kong", "traefik"])(
    "leaves some of %s when a pod, a node or a zone goes",
    verifies("manifest-rules"),
    (chart) => {
      const values = readYaml(inRoot(`k8s/charts/${chart}.yaml`));
      const { podDisruptionBudget, topologySpreadConstraints, resources, ...rest } =
        values.gateway ?? values;
      const { replicaCount, podLabels } = { ...rest, ...rest.deployment };
      expect(replicaCount ?? rest.deployment.replicas).toBeGreaterThanOrEqual(3);
      expect(podDisruptionBudget).toEqual({ enabled: true, maxUnavailable: 1 });
      for (const { labelSelector } of topologySpreadConstraints)
        expect(podLabels).toMatchObject(labelSelector.matchLabels);
      expect(
        topologySpreadConstraints.map(({ topologyKey }: Manifest) => topologyKey as string),
      ).toEqual(["topology.kubernetes.io/zone", "kubernetes.io/hostname"]);
      expect(resources.limits).toEqual({ memory: resources.requests.memory });
    },
  );
});
