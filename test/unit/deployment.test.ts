import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { type AppServices, createApp } from "../../src/app.ts";
import { ENVIRONMENT, parseConfig } from "../../src/config.ts";
import { tryDuration } from "../../src/wire/units.ts";
import {
  contextEntries,
  copiesOf,
  inRoot,
  readDockerfile,
  textOf,
} from "../contract/support-dockerfile.ts";
import {
  built,
  hasKubectl,
  type Manifest,
  manifests,
  readYaml,
} from "../contract/support-manifests.ts";
import { freePort } from "../support/net.ts";
import { startTestService } from "../support/service.ts";

/** Beyond the drain window: what the service takes to say farewell and to dispose of its parts. */
const FAREWELL_MS = 2_000;

const manifest = (kind: string): Manifest => {
  const found = manifests.filter((candidate) => candidate.kind === kind);
  expect(found, kind).toHaveLength(1);
  return found[0];
};
const paths = new Set(
  createApp({ corsOrigins: [] as readonly string[] } as AppServices).routes.map(({ path }) => path),
);
const variables = Object.keys(ENVIRONMENT.shape);
const image = readDockerfile().at(-1)!;

describe(`k8s/base, ${hasKubectl ? "as kubectl kustomize builds it" : "read directly, as kubectl is not here"}`, () => {
  const { spec } = manifest("Deployment");
  const pod = spec.template.spec;
  const [container] = pod.containers;
  const { data } = manifest("ConfigMap");

  it.runIf(hasKubectl)("builds without a complaint", () => {
    expect([built.status, built.stderr]).toEqual([0, ""]);
  });

  it("sets only variables that the service reads, to values that it takes", () => {
    expect(variables).toEqual(expect.arrayContaining(Object.keys(data)));
    expect(container.env).toBeUndefined();
    expect(container.envFrom).toEqual([
      { configMapRef: { name: manifest("ConfigMap").metadata.name } },
    ]);
    const config = parseConfig(data);
    // Two pods with a log each would be two services.
    expect([config.redis !== undefined, spec.replicas >= 2]).toEqual([true, true]);
  });

  it("sends clients and probes to the port that the service listens on", () => {
    expect(container.ports).toEqual([{ name: "http", containerPort: parseConfig(data).port }]);
    expect(manifest("Service").spec.ports).toEqual([
      { name: "http", port: 80, targetPort: "http" },
    ]);
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      expect(container[probe].httpGet.port).toBe("http");
      expect(paths).toContain(container[probe].httpGet.path);
    }
    expect(container.livenessProbe.httpGet.path).toBe("/livez");
    expect(container.readinessProbe.httpGet.path).toBe("/readyz");
  });

  it("leaves time for preStop, the drain window and the farewell before it kills", () => {
    const preStopMs = container.lifecycle.preStop.sleep.seconds * 1_000;
    const needed = preStopMs + parseConfig(data).drainWindowMs + FAREWELL_MS;
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(needed);
  });

  it("selects its own pods, and never has fewer of them than it wants", () => {
    const { labels } = spec.template.metadata;
    const selectors = [
      spec.selector.matchLabels,
      manifest("Service").spec.selector,
      ...pod.topologySpreadConstraints.map(
        ({ labelSelector }: Manifest) => labelSelector.matchLabels,
      ),
    ];
    for (const selector of selectors) expect(labels).toMatchObject(selector);
    expect(spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
  });

  it("runs as the image's user, with nothing that it does not need", () => {
    const [user, group] = textOf(image, "USER").split(":").map(Number);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: group,
    });
    expect(pod.securityContext.seccompProfile).toEqual({ type: "RuntimeDefault" });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(container.resources.requests.memory).toBe(container.resources.limits.memory);
    expect(pod.serviceAccountName).toBe(manifest("ServiceAccount").metadata.name);
    expect([pod, manifest("ServiceAccount")].map((of) => of.automountServiceAccountToken)).toEqual([
      false,
      false,
    ]);
  });
});

describe("docker/compose.yaml", () => {
  const { services } = readYaml(inRoot("docker/compose.yaml"));
  const { service, redis } = services;

  it("sets only variables that the service reads, to values that it takes", () => {
    expect(variables).toEqual(expect.arrayContaining(Object.keys(service.environment)));
    expect(parseConfig(service.environment).redis?.endpoint).toMatchObject({
      address: { host: "redis" },
    });
  });

  it("publishes the service's port on this machine alone, and waits longer than the drain window", () => {
    const { port, drainWindowMs } = parseConfig(service.environment);
    expect(service.ports).toEqual([
      expect.stringMatching(new RegExp(`^127\\.0\\.0\\.1:\\d+:${port}$`)),
    ]);
    expect(tryDuration(service.stop_grace_period)).toBeGreaterThan(drainWindowMs + FAREWELL_MS);
  });

  it("starts the service when Redis, which keeps what it is given, is there", () => {
    expect(service.depends_on.redis.condition).toBe("service_healthy");
    expect(redis.healthcheck.test).toEqual(["CMD", "redis-cli", "ping"]);
    expect(redis.command.join(" ")).toContain("--appendonly yes");
    expect(redis.volumes.map((volume: string) => volume.split(":")[0])).toEqual(["redis-data"]);
    expect(service.healthcheck.test.at(-1)).toContain("/readyz");
  });

  it("builds the image from what is there", () => {
    expect(new URL(`${service.build.context}/`, inRoot("docker/")).href).toBe(inRoot("").href);
    expect(service.build.dockerfile).toBe("docker/Dockerfile");
  });
});

describe("docker/Dockerfile", () => {
  const stages = readDockerfile();

  it("copies only files that are there and that .dockerignore lets through, and all of those", () => {
    const sources = stages
      .flatMap((stage) => copiesOf(stage).filter(({ from }) => from === undefined))
      .flatMap(({ sources: names }) => names);
    const names = new Set(sources.map((source) => source.replace("./", "")));
    expect(names).toEqual(new Set(contextEntries()));
    const named = new Set(stages.map(({ name }) => name));
    for (const { from } of copiesOf(image)) expect(named).toContain(from);
  });

  it("runs as a numeric user that is not root, on the port of the configuration", () => {
    expect(textOf(image, "USER")).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(Number(textOf(image, "EXPOSE"))).toBe(parseConfig({}).port);
    const set = image.instructions
      .filter(({ name }) => name === "ENV")
      .map(({ text }) => text.split("=")[0]!);
    expect([...variables, "NODE_ENV"]).toEqual(expect.arrayContaining(set));
  });

  it("makes Node itself the process that gets the signals", () => {
    expect(JSON.parse(textOf(image, "CMD"))).toEqual([
      "node",
      "--enable-source-maps",
      "dist/main.js",
    ]);
    expect(textOf(image, "STOPSIGNAL")).toBe("SIGTERM");
    expect(image.instructions.some(({ name }) => name === "ENTRYPOINT")).toBe(false);
  });
});

describe("health checks", () => {
  const ofImage = JSON.parse(/CMD (\[.*\])$/.exec(textOf(image, "HEALTHCHECK"))![1]!) as string[];
  // Compose reads `$$` as `$`.
  const ofCompose = (
    readYaml(inRoot("docker/compose.yaml")).services.service.healthcheck.test as string[]
  )
    .slice(1)
    .map((word) => word.replaceAll("$$", "$"));
  const run = async ([, ...args]: string[], port: number) => {
    const child = spawn(process.execPath, args, { env: { PORT: String(port) }, stdio: "ignore" });
    const [code] = (await once(child, "exit")) as [number];
    return code;
  };

  it.each([
    ["the image's", ofImage],
    ["compose's", ofCompose],
  ])("%s passes on a service that runs, and fails where none does", async (_, command) => {
    expect(command[0]).toBe("node");
    await using service = await startTestService();
    expect(await run(command, service.port)).toBe(0);
    expect(await run(command, await freePort())).toBe(1);
  });
});
