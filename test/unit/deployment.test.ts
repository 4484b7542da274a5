import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { ENVIRONMENT, parseConfig } from "../../src/config.ts";
import {
  contextEntries,
  copiesOf,
  readDockerfile,
  textOf,
} from "../contract/support-dockerfile.ts";
import { healthCommand, readCompose } from "../support/compose.ts";
import { freePort } from "../support/net.ts";
import { startTestService } from "../support/service.ts";

const variables = Object.keys(ENVIRONMENT.shape);
const image = readDockerfile().at(-1)!;

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
  const ofCompose = healthCommand(readCompose().services["novastream-1"]!);
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
