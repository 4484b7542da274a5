import { readdir, readFile } from "node:fs/promises";
import { readFileSync } from "node:fs";

export interface ProcessEntry {
  readonly pid: number;
  readonly command: string;
}

/** All processes that a process has started, and that those have (Linux: from /proc). */
export async function descendants(ancestor: number): Promise<ProcessEntry[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const entries = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
      const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
      return { pid, parent: parentIn(stat), command: command.replaceAll("\0", " ") };
    }),
  );
  const family = new Set([ancestor]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const { pid, parent } of entries) if (family.has(parent)) family.add(pid);
  }
  return entries.filter(({ pid }) => pid !== ancestor && family.has(pid));
}

/** False once it has ended, whether or not anybody has asked how. */
export function isRunning(pid: number): boolean {
  try {
    return fieldsOf(readFileSync(`/proc/${pid}/stat`, "latin1"))[0] !== "Z";
  } catch {
    return false;
  }
}

function parentIn(stat: string): number {
  return Number(fieldsOf(stat)[1]);
}

/** From the third on: the second is a name in parentheses, which may hold anything (proc(5)). */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
