import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** What programs print may be secret. */
const DIRECTORY_MODE = 0o700;

/**
 * Makes a directory that only its owner reads, and those above it. Node's own `recursive` does not return where the
 * system says of each attempt that the parent is missing, as it does below /proc.
 */
export function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && statSync(path).isDirectory()) return;
    if (code !== "ENOENT" || hasParent(path)) throw error;
    makePrivateDirectory(dirname(path));
    makeUnlessThere(path);
  }
}

function hasParent(path: string): boolean {
  return statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Another agent may have been faster. */
function makeUnlessThere(path: string): void {
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
