import { type ChildProcess, fork, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Command } from "./subjects/subject.ts";

/** For the reaper's child: a process group that is to be ended when this process is gone, or need not be any more. */
export interface ReaperMessage {
  readonly kind: "watch" | "forget";
  readonly group: number;
}

/**
 * Starts processes, each in a group of its own with what it starts itself, and has a child end them when this process is
 * killed: a subject that stayed behind would use up a core in all that is measured after it.
 */
export class Reaper implements Disposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves once whatever it starts will be ended. */
  static async start(): Promise<Reaper> {
    const child = fork(fileURLToPath(new URL("reaper-main.ts", import.meta.url)));
    const died = once(child, "exit").then(() => {
      throw new Error("The process that ends what the benchmark starts has died.");
    });
    await Promise.race([once(child, "message"), died]);
    died.catch(() => undefined);
    return new Reaper(child);
  }

  /** @returns the child; without a pid, and with an `error` event, where it could not be started */
  spawn({ file, args, env }: Command, stdio: SpawnOptions["stdio"]): ChildProcess {
    const child = spawn(file, args, {
      env: { PATH: process.env["PATH"], NODE_ENV: "production", ...env },
      stdio,
      detached: true,
    });
    const group = child.pid;
    if (group === undefined) return child;
    this.#tell({ kind: "watch", group });
    // The group may outlive its leader, but then it was the leader's business.
    child.once("exit", () => this.#tell({ kind: "forget", group }));
    return child;
  }

  #tell(message: ReaperMessage): void {
    if (this.#child.connected) this.#child.send(message);
  }

  [Symbol.dispose](): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

/** Ends the process and all that it has started. */
export function killGroup(leader: ChildProcess): void {
  if (leader.pid === undefined) return;
  try {
    process.kill(-leader.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
