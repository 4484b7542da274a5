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
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
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
import { verifies } from "../support/verifies.ts";
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

/** What is in each file below a directory, by its path. */
function filesIn(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [relative(directory, path), readFileSync(path, "utf8")]));
}

describe("what the Dockerfile puts into the image", () => {
  it(
    "is the build, the contract and what it needs at runtime, and nothing else",
    verifies("image"),
    () => {
      const { packages } = JSON.parse(readFileSync(inRoot("package-lock.json"), "utf8")) as {
        packages: Record<string, { dev?: boolean; devOptional?: boolean; optional?: boolean }>;
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
      // What production needs, of itself or of what it needs; a tool of the tests may be among that.
      const needed = Object.entries(packages).filter(
        ([, { dev, devOptional, optional }]) => !dev && !devOptional && !optional,
      );
      const names = needed.flatMap(
        ([path]) => /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1] ?? [],
      );
      expect(names.length).toBeGreaterThan(10);
      expect(new Set([...installed].filter((name) => !name.startsWith(".")))).toEqual(
        new Set(names),
      );
      const sources = readdirSync(join(image, "dist"), { recursive: true }) as string[];
      expect(sources.filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))).toEqual([]);
    },
  );

  it(
    "is the same when it is built again, in another place and at another time",
    verifies("image"),
    async () => {
      const elsewhere = join(root, "else", "where");
      cpSync(join(root, "context"), elsewhere, { recursive: true });
      symlinkSync(fileURLToPath(inRoot("node_modules")), join(elsewhere, "node_modules"));
      await run("npm", ["run", "build"], { cwd: elsewhere, env: { ...env, TZ: "Asia/Tokyo" } });
      const [here, there] = [join(image, "dist"), join(elsewhere, "dist")].map(filesIn);
      expect(there!.size).toBeGreaterThan(100);
      expect(there).toEqual(here);
    },
  );

  it(
    "starts, answers, and leaves at SIGTERM, as a user who may write nothing, with nothing to run but Node",
    verifies("image"),
    async () => {
      const port = await freePort();
      const [program, ...args] = JSON.parse(textOf(stages.at(-1)!, "CMD")) as [string, ...string[]];
      const [uid, gid] = textOf(stages.at(-1)!, "USER").split(":").map(Number);
      // Only root may become another; anybody else is already none who owns the file system.
      const identity = process.getuid?.() === 0 ? { uid, gid } : {};
      // Nothing but Node is there to be run: no shell, no npm.
      const PATH = join(root, "bin");
      mkdirSync(PATH);
      symlinkSync(process.execPath, join(PATH, "node"));
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
    },
  );
});
