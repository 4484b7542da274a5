import { readFile } from "node:fs/promises";
import { availableParallelism, cpus, release } from "node:os";

/** Descriptors of a process beside those of its readers, with room to spare. */
const OTHER_DESCRIPTORS = 200;

/** What the numbers were measured on, in a line. */
export function describeMachine(): string {
  // Without what a distribution, or a cloud, adds to it.
  const [kernel] = release().split("-");
  return `${availableParallelism()} cores (${cpus()[0]?.model ?? "unknown"}), Node ${process.version}, ${process.platform} ${kernel}`;
}

/** @throws where this machine does not let a process have so many connections, or does not say what one uses */
export async function checkMachine(connections: number): Promise<void> {
  if (process.platform !== "linux")
    throw new Error("The benchmark reads CPU time and memory from /proc: it runs on Linux only.");
  const limits = await readFile("/proc/self/limits", "latin1");
  const limit = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  // Node has raised its soft limit to the hard one, and what it starts inherits it.
  const needed = connections + OTHER_DESCRIPTORS;
  if (limit === undefined || Number(limit) >= needed) return;
  throw new Error(
    `A process may have ${limit} open files here, and ${needed} are needed: ` +
      `raise the limit (ulimit -Hn ${needed}), or ask for fewer with --readers and --idle.`,
  );
}
