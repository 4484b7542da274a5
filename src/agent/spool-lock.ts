import {
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { tryProcessStart } from "./proc.ts";

const LOCK_NAME = "lock";
/** How often the lock's file is touched, for those on other hosts that share the directory. */
const TOUCH_MS = 10_000;
/** A lock of another host that was not touched for so long is taken to be left behind. */
const FOREIGN_STALE_MS = 60_000;

const ownerSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** Tells a process from a later one with the same number, where the system says. */
  start: z.string().optional(),
});
type Owner = z.infer<typeof ownerSchema>;

/** Another agent that lives has the directory. */
export class LockedError extends Error {
  override name = "LockedError";
}

/** A directory is one agent's, until that ends or dies. */
export class SpoolLock implements Disposable {
  readonly #path: string;
  readonly #touch: NodeJS.Timeout;

  private constructor(path: string) {
    this.#path = path;
    this.#touch = setInterval(() => touch(path), TOUCH_MS).unref();
  }

  /** @throws LockedError, or where the lock cannot be written */
  static acquire(directory: string): SpoolLock {
    const path = join(directory, LOCK_NAME);
    const mine = `${path}.${hostname()}.${process.pid}`;
    const start = tryProcessStart(process.pid);
    const owner: Owner = { pid: process.pid, host: hostname(), ...(start ? { start } : {}) };
    writeFileSync(mine, JSON.stringify(owner), { mode: 0o600 });
    try {
      // A link is made whole or not at all: nobody ever reads half a lock.
      for (let tries = 0; !tryLink(mine, path); tries++) {
        const holder = tryRead(path);
        const held = holder && isAlive(holder, path);
        if (held || tries === 3)
          throw new LockedError(
            `${directory} is in use by the agent with the pid ${holder?.pid ?? "?"}`,
          );
        takeAway(path, `${mine}.stale`, holder);
      }
    } finally {
      rmSync(mine, { force: true });
    }
    return new SpoolLock(path);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#touch);
    rmSync(this.#path, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Undefined of one that has gone meanwhile, or is none of ours. */
function tryRead(path: string): Owner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

function isAlive(owner: Owner, path: string): boolean {
  try {
    if (owner.host !== hostname()) return Date.now() - statSync(path).mtimeMs < FOREIGN_STALE_MS;
    const start = tryProcessStart(owner.pid);
    if (owner.start !== undefined && start !== undefined) return owner.start === start;
    if (owner.pid === process.pid) return false;
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    // It lives, and is somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Two agents that both find a lock stale must not both remove it: the second would remove the first one's new lock. So
 * it is moved aside, which only one can do, and put back where it turns out to be another one.
 */
function takeAway(path: string, aside: string, stale: Owner | undefined): void {
  try {
    renameSync(path, aside);
    const moved = tryRead(aside);
    if (moved && JSON.stringify(moved) !== JSON.stringify(stale)) tryLink(aside, path);
    rmSync(aside, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Somebody has tidied up, or the disk is in trouble: the spool itself says so.
  }
}
