import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";

/**
 * What counts against this container's memory, in bytes: its cgroup's (version 2), without the file cache that the kernel
 * gives back by itself. It has what the process's resident memory lacks: above all the kernel's send buffers, which readers
 * who do not read fill. Undefined where there is no such cgroup, as outside of containers.
 */
export function containerMemory(root = "/sys/fs/cgroup"): number | undefined {
  try {
    const current = Number(readFileSync(join(root, "memory.current"), "utf8"));
    const [, inactive] =
      /^inactive_file (\d+)$/m.exec(readFileSync(join(root, "memory.stat"), "utf8")) ?? [];
    return current - Number(inactive ?? 0);
  } catch {
    // Not there, or not for us to read: resident memory has to do.
    return undefined;
  }
}

/** 90 % of what the container may have, at all of which the kernel kills it; 0 = it may have all there is. */
export function containerMemoryLimit(
  constrainedBytes: number | undefined = process.constrainedMemory(),
  totalBytes = totalmem(),
): number {
  // Without a limit the answer is 0, nothing, or more than any machine has.
  if (!constrainedBytes || constrainedBytes >= totalBytes) return 0;
  return Math.floor(constrainedBytes * 0.9);
}
