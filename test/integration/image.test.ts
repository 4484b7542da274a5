import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  contextEntries,
  copiesOf,
  type Instruction,
  inRoot,
  readDockerfile,
  textOf,
} from "../contract/support-dockerfile.ts";
import { freePort } from "../support/net.ts";
import { eventually } from "../support/wait.ts";

const run = promisify(execFile);
const root = mkdtempSync(join(tmpdir(), "novastream-image-"));
const stages = readDockerfile();
const image = join(root, "image");
/** What npm has fetched before need not be asked for again, so a machine without a network can run this too. */
const env = { ...process.env, npm_config_prefer_offline: "true" };

/** Runs the Dockerfile's own steps in directories instead of layers: what it forgets to copy is not there. */
beforeAll(async () => {
  chmodSync(root, 0o755);
  const context = join(root, "context");
  for (const entry of contextEntries()) {
    cpSync(fileURLToPath(inRoot(entry)), join(context, entry), { recursive: true });
  }
  for (const { name = "image", instructions } of stages) {
    mkdirSync(join(root, name));
    for (const instruction of instructions) await step(context, join(root, name), instruction);
  }
}, 180_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

async function step(context: string, directory: string, instruction: Instruction): Promise<void> {
  if (instruction.name === "RUN") {
    await run("sh", ["-c", instruction.text], {
      cwd: directory,
      env,
      maxBuffer: 16 * 1_024 ** 2,
    }).catch(({ message, stdout, stderr }: Error & { stdout: string; stderr: string }) => {
      throw new Error([message, stdout, stderr].join("\n"));
    });
  }
  if (instruction.name !== "COPY") return;
  const [copy] = copiesOf({ name: undefined, instructions: [instruction] });
  for (const source of copy!.sources) {
    const from = copy!.from
      ? join(root, copy!.from, source.replace(/^\/app\//, ""))
      : join(context, source);
    const to = copy!.target.endsWith("/")
      ? join(directory, basename(source))
      : join(directory, copy!.target);
    cpSync(from, to, { recursive: true });
  }
}

describe("what the Dockerfile puts into the image", () => {
  it("is the build, the contract and what it needs at runtime, and nothing else", () => {
    const manifest = JSON.parse(readFileSync(join(image, "package.json"), "utf8")) as {
      dependencies: object;
    };
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
      packages: Record<string, { dev?: boolean }>;
    };
    expect(new Set(readdirSync(image))).toEqual(
      new Set(["LICENSE", "dist", "node_modules", "openapi.yaml", "package.json"]),
    );
    const installed = new Set(
      readdirSync(join(image, "node_modules")).flatMap((name) =>
        name.startsWith("@")
          ? readdirSync(join(image, "node_modules", name)).map((inner) => `${name}/${inner}`)
          : [name],
      ),
    );
    for (const name of Object.keys(manifest.dependencies)) expect(installed).toContain(name);
    // What the tests use may be what a dependency needs, too: the lock says what is for development alone.
    const forDevelopment = Object.entries(lock.packages)
      .filter(([path, { dev }]) => dev && path.lastIndexOf("node_modules/") === 0)
      .map(([path]) => path.slice("node_modules/".length));
    expect(forDevelopment).toContain("vitest");
    for (const name of forDevelopment) expect(installed).not.toContain(name);
    const sources = readdirSync(join(image, "dist"), { recursive: true }) as string[];
    expect(sources.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([]);
  });

  it("starts, answers, and leaves at SIGTERM, as a user who may write nothing", async () => {
    const port = await freePort();
    const [program, ...args] = JSON.parse(textOf(stages.at(-1)!, "CMD")) as [string, ...string[]];
    const [uid, gid] = textOf(stages.at(-1)!, "USER").split(":").map(Number);
    // Only root may become another; anybody else is already none who owns the file system.
    const identity = process.getuid?.() === 0 ? { uid, gid } : {};
    const { PATH } = process.env;
    const address = { HOST: "127.0.0.1", PORT: String(port) };
    const child: ChildProcess = spawn(program, args, {
      cwd: image,
      env: { PATH, NODE_ENV: "production", DRAIN_WINDOW: "1s", ...address },
      stdio: ["ignore", "pipe", "pipe"],
      ...identity,
    });
    let output = "";
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    const exited = once(child, "exit");
    try {
      await eventually(
        async () => {
          if (child.exitCode !== null)
            throw new Error(`it exited with ${child.exitCode}: ${output}`);
          return (await fetch(`http://127.0.0.1:${port}/livez`)).ok;
        },
        { what: "an answer of /livez" },
      );
      const contract = await (await fetch(`http://127.0.0.1:${port}/openapi.yaml`)).text();
      expect(contract).toBe(readFileSync(inRoot("openapi.yaml"), "utf8"));
    } finally {
      child.kill("SIGTERM");
    }
    expect(await exited, output).toEqual([0, null]);
  });
});
