import { createHash } from "node:crypto";
import { lstatSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { makePrivateDirectory } from "./private-directory.ts";
import { LockedError, SpoolLock } from "./spool-lock.ts";

/** Agents of one name that run beside one another on a host, each with a directory of its own. */
const MAX_SLOTS = 64;
const HASH_DIGITS = 8;

type Environment = Readonly<Record<string, string | undefined>>;

export interface SpoolPlace {
  readonly directory: string;
  readonly lock: SpoolLock;
}

/** Where spools are by default: of one Wukong and one server, because lines for one server are not for another. */
export function defaultSpoolRoot(name: string, server: string, env: Environment): string {
  const hash = createHash("sha256").update(server).digest("hex").slice(0, HASH_DIGITS);
  const own = `${name}@${new URL(server).host.replaceAll(/[^\w.-]/g, "_")}-${hash}`;
  return join(stateDirectory(env), "novastream", "agent", own);
}

/** XDG's directory for what outlives a restart; without a home, one of the temporary ones that is the user's alone. */
function stateDirectory(env: Environment): string {
  const [state, home] = [env["XDG_STATE_HOME"], env["HOME"]];
  if (state && isAbsolute(state)) return state;
  if (home && isAbsolute(home) && home !== "/") return join(home, ".local", "state");
  return join(tmpdir(), `novastream-${userInfo().uid}`);
}

/** @throws LockedError, or where the directory cannot be made, or is somebody else's */
export function openSpoolDirectory(directory: string): SpoolPlace {
  makePrivateDirectory(directory);
  // Whoever may write into a directory of ours could have us send, or overwrite, what they please.
  const { uid } = lstatSync(directory);
  if (process.getuid && uid !== process.getuid())
    throw new Error(`${directory} belongs to another user`);
  return { directory, lock: SpoolLock.acquire(directory) };
}

/** The first directory below `root` that no living agent has: a restarted agent finds its own again. */
export function openSpoolSlot(root: string): SpoolPlace {
  for (let slot = 0; ; slot++) {
    try {
      return openSpoolDirectory(join(root, String(slot)));
    } catch (error) {
      if (!(error instanceof LockedError) || slot === MAX_SLOTS - 1) throw error;
    }
  }
}
