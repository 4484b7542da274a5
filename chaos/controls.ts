import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

interface Change {
  /** Of the built service, below `dist/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A bug to plant, by which the matrix shows that it would find it. */
export interface Control {
  readonly title: string;
  readonly changes: readonly Change[];
}

/** Planted in a copy of the built service, never in the product. */
export const CONTROLS = {
  "skipped-heal": {
    title: "what a follow connection has missed is not read: the tail goes on with the next event",
    changes: [
      {
        file: "hub/tail.js",
        find: `if (doorbell.kind === "unsure")
            return void this.heal(doorbell.cause);`,
        replace: `if (doorbell.kind === "unsure" && doorbell.cause !== "reconnect")
            return void this.heal(doorbell.cause);
        if (doorbell.kind === "unsure") return;`,
      },
      {
        file: "hub/tail.js",
        find: `else if (!this.#knows(event))
                return void this.heal("missed");`,
        replace: `else if (!this.#knows(event))
                this.#accept(event);`,
      },
    ],
  },
  "doubled-append": {
    title: "an append that is repeated under its key is appended again",
    changes: [
      {
        file: "log/append.lua",
        find: "local seen = redis.call('GET', memo)",
        replace: "local seen = false",
      },
    ],
  },
  "cutover-off-by-one": {
    title: "a reader joins the live ones when it has yet one event to fetch",
    changes: [
      {
        file: "hub/subscription.js",
        find: "const atHead = samePosition(this.#cursor, head.position);",
        replace: `const atHead = samePosition(this.#cursor, head.position)
            || (this.#cursor.ms >= head.born && this.#cursor.n === head.position.n - 1);`,
      },
    ],
  },
  "deaf-reader": {
    title: "some readers are told that they are live, and are not among those whom the tail serves",
    changes: [
      {
        file: "hub/tail.js",
        find: "this.#live.add(subscription);",
        replace: "{ if (Math.random() >= 0.3) this.#live.add(subscription); }",
      },
    ],
  },
  "silent-gap": {
    title: "a reader whose place is gone reads on without being told",
    changes: [
      {
        file: "connections/connection.js",
        find: `this.#control("gap", data, this.#wireId());`,
        replace: "void data;",
      },
    ],
  },
  "resume-at-held": {
    title: "a reader who comes back is given once more the event that it holds",
    changes: [
      {
        file: "hub/start.js",
        find: "return start.position;",
        replace: "return { ms: start.position.ms, n: Math.max(0, start.position.n - 1) };",
      },
    ],
  },
} as const satisfies Record<string, Control>;

export type ControlName = keyof typeof CONTROLS;

/** A built service to start. */
export interface Build extends AsyncDisposable {
  readonly entry: string;
}

/**
 * The built service as it is, or a copy of it with the bug in it.
 * @throws where the text to replace is not there exactly once: a control that plants nothing proves nothing
 */
export async function createBuild(name: ControlName | undefined, dist = "dist"): Promise<Build> {
  if (!name) return { entry: join(dist, "main.js"), [Symbol.asyncDispose]: async () => {} };
  const root = await mkdtemp(join(tmpdir(), "novastream-control-"));
  const build = {
    entry: join(root, "dist/main.js"),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
  try {
    await cp(dist, join(root, "dist"), { recursive: true });
    await cp("package.json", join(root, "package.json"));
    await symlink(resolve("node_modules"), join(root, "node_modules"));
    for (const change of CONTROLS[name].changes) await plant(join(root, "dist"), change);
    return build;
  } catch (error) {
    await build[Symbol.asyncDispose]();
    throw error;
  }
}

async function plant(dist: string, { file, find, replace }: Change): Promise<void> {
  const path = join(dist, file);
  const source = await readFile(path, "utf8");
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(
      `${file} has ${parts.length - 1} times, not once, what is to be replaced: ${find}`,
    );
  await writeFile(path, parts.join(replace));
}
