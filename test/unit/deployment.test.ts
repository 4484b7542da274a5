import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { ENVIRONMENT, parseConfig } from "../../src/config.ts";
import { tryDuration } from "../../src/wire/units.ts";
import {
  contextEntries,
  copiesOf,
  inRoot,
  readDockerfile,
  textOf,
} from "../contract/support-dockerfile.ts";
import { readYaml } from "../contract/manifests/rendered.ts";
import { freePort } from "../support/net.ts";
import { startTestService } from "../support/service.ts";

/** Beyond the drain window: what the service takes to say farewell and to dispose of its parts. */
const FAREWELL_MS = 2_000;

const variables = Object.keys(ENVIRONMENT.shape);
const image = readDockerfile().at(-1)!;

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
