import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Subject, SubjectName } from "./subject.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const SERVICE = here("../../dist/main.js");
const DAY = "24h";

const novastream: Subject = {
  name: "novastream",
  surface: {
    readPath: "/api/v1/events?topic=app:bench",
    publishPath: "/api/v1/topics/app:bench/events",
    body: "json",
  },
  command: (port) => ({
    file: process.execPath,
    args: [SERVICE],
    env: {
      HOST: "127.0.0.1",
      PORT: String(port),
      LOG_LEVEL: "warn",
      MAX_CONNECTIONS: "1000000",
      MAX_CONNECTION_AGE: DAY,
    },
  }),
};

const streamSse: Subject = {
  name: "stream-sse",
  surface: { readPath: "/events", publishPath: "/publish", body: "json" },
  command: (port) => ({
    file: process.execPath,
    // The options of this process, because it runs TypeScript too.
    args: [...process.execArgv, here("hono-stream-sse.ts"), String(port)],
    env: {},
  }),
};

const cLoop = (binary: string): Subject => ({
  name: "c-loop",
  surface: { readPath: "/", publishPath: "/", body: "lines" },
  command: (port) => ({ file: binary, args: [String(port)], env: {} }),
});

/** The subjects that can run here, and why the others cannot. */
export interface Catalogue extends AsyncDisposable {
  readonly subjects: readonly Subject[];
  readonly missing: ReadonlyMap<SubjectName, string>;
}

/** Compiles what needs it into a directory that goes with the catalogue. @throws where the service is not built */
export async function createCatalogue(wanted: readonly SubjectName[]): Promise<Catalogue> {
  if (wanted.includes("novastream") && !existsSync(SERVICE))
    throw new Error(`${SERVICE} is not there: run "npm run build" first.`);
  const directory = await mkdtemp(join(tmpdir(), "novastream-bench-"));
  const missing = new Map<SubjectName, string>();
  const subjects: Subject[] = [];
  for (const name of wanted) {
    if (name === "novastream") subjects.push(novastream);
    else if (name === "stream-sse") subjects.push(streamSse);
    else {
      const binary = join(directory, "fan-out");
      const trouble = await compile(here("fan-out.c"), binary);
      if (trouble) missing.set(name, trouble);
      else subjects.push(cLoop(binary));
    }
  }
  return {
    subjects,
    missing,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** @returns why it could not be compiled */
async function compile(source: string, binary: string): Promise<string | undefined> {
  // epoll, and with it this loop, is Linux's own.
  if (process.platform !== "linux") return "runs on Linux only";
  try {
    await promisify(execFile)("cc", ["-O2", "-o", binary, source]);
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "no C compiler (cc) is here";
    throw new Error("fan-out.c does not compile", { cause: error });
  }
}
