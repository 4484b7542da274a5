import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./wait.ts";

/** The built command line, `novastream …`, as a process of its own. */
export class AgentProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #closed: Promise<unknown[]>;
  /** Where its spool is, if it is not told otherwise: no agent finds what another test has left. */
  readonly #state = mkdtempSync(join(tmpdir(), "novastream-agent-"));

  /** @param shell what a shell does before it becomes the agent, such as setting limits */
  constructor(args: readonly string[], environment: Record<string, string> = {}, shell?: string) {
    const command = [process.execPath, "--enable-source-maps", "dist/cli.js", ...args];
    const [program, ...rest] =
      shell === undefined ? command : ["sh", "-c", `${shell}; exec "$@"`, "sh", ...command];
    this.child = spawn(program!, rest, {
      env: { PATH: process.env["PATH"], XDG_STATE_HOME: this.#state, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.#closed = once(this.child, "close");
  }

  /** The exit code, once everything that it wrote has been read. */
  async exit(): Promise<number> {
    const [code] = (await this.#closed) as [number | null];
    if (code === null) throw new Error(`it was killed by ${this.child.signalCode}: ${this.stderr}`);
    return code;
  }

  async says(text: string, where: "stdout" | "stderr" = "stderr"): Promise<void> {
    await eventually(
      () => {
        if (this.child.exitCode !== null && !this[where].includes(text))
          throw new Error(`it exited with ${this.child.exitCode}: ${this.stderr}`);
        return this[where].includes(text);
      },
      { what: `the agent saying ${text}` },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.#closed;
    rmSync(this.#state, { recursive: true, force: true });
  }
}
