import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/wait.ts";

/** `[what stands in a shipped file, what takes its place]`. */
export type Change = readonly [string | RegExp, string];

/** @throws where a change finds nothing to change: the file is not what the test believes it to be */
export function changed(file: string, text: string, changes: readonly Change[]): string {
  return changes.reduce((before, [from, to]) => {
    const after = before.replaceAll(from, to);
    if (after === before) throw new Error(`${file} has no ${String(from)}`);
    return after;
  }, text);
}

export interface GatewayProgram {
  readonly program: string;
  /** What installs it. */
  readonly from: string;
  readonly args: (directory: string, file: string) => string[];
}

/** A gateway as a process of our own, with its configuration in a directory of its own. */
export class GatewayProcess implements AsyncDisposable {
  readonly url: string;
  readonly directory = mkdtempSync(join(tmpdir(), "novastream-gateway-"));
  readonly #child: ChildProcess;
  readonly #log = join(this.directory, "log");

  private constructor(gateway: GatewayProgram, port: number, configuration: string) {
    this.url = `http://127.0.0.1:${port}`;
    const file = join(this.directory, "configuration");
    writeFileSync(file, configuration);
    // A file: nginx opens /dev/stdout by its name, which fails for what Node calls a pipe.
    const log = openSync(this.#log, "a");
    this.#child = spawn(gateway.program, gateway.args(this.directory, file), {
      env: { PATH: process.env["PATH"], HOME: this.directory },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
  }

  /** Resolves once it listens. */
  static async start(gateway: GatewayProgram, port: number, configuration: string) {
    requireProgram(gateway);
    const started = new GatewayProcess(gateway, port, configuration);
    try {
      await eventually(
        () => {
          if (started.#child.exitCode !== null) return true;
          return accepts(port);
        },
        { what: gateway.program },
      );
      if (started.#child.exitCode !== null) throw new Error(started.output);
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
    return started;
  }

  /** What it has written to stdout and stderr. */
  get output(): string {
    return readFileSync(this.#log, "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, "exit");
      // Of nginx, TERM ends the workers too; KILL would leave them.
      this.#child.kill("SIGTERM");
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
      await exited;
      clearTimeout(timer);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export interface Verdict {
  /** The exit code. */
  readonly status: number | null;
  /** What was said. */
  readonly output: string;
}

/** Runs a program's own check of a configuration. All that it opens is a file, as /dev/stdout is when it serves. */
export function checkConfiguration(
  { program, from }: Pick<GatewayProgram, "program" | "from">,
  configuration: string,
  args: (directory: string, file: string) => string[],
): Verdict {
  requireProgram({ program, from });
  const directory = mkdtempSync(join(tmpdir(), "novastream-gateway-"));
  const [file, log] = [join(directory, "configuration"), join(directory, "log")];
  writeFileSync(file, configuration);
  const descriptor = openSync(log, "a");
  const stdio: ["ignore", number, number] = ["ignore", descriptor, descriptor];
  const { status } = spawnSync(program, args(directory, file), { stdio });
  closeSync(descriptor);
  const output = readFileSync(log, "utf8");
  rmSync(directory, { recursive: true });
  return { status, output };
}

/** @throws where it is not there */
export function requireProgram({ program, from }: Pick<GatewayProgram, "program" | "from">): void {
  if (spawnSync(program, ["-h"], { stdio: "ignore" }).error)
    throw new Error(
      `${program} is missing: run test/setup.sh (it installs it with apt from ${from})`,
    );
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

export const readShipped = (name: string): string =>
  readFileSync(new URL(`../../../docker/gateways/${name}`, import.meta.url), "utf8");
