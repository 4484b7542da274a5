import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileFanOut } from "./compile.ts";
import { createNchan } from "./nchan.ts";
import { NOVASTREAM, REPLAY_KEY, SERVICE } from "./novastream.ts";
import type { Circumstances, Subject, SubjectName, Surface } from "./subject.ts";

const BROADCASTER: Surface = {
  protocol: "sse",
  readPath: "/events",
  publishPath: "/publish",
  body: "json",
  greeting: "event: live\n",
};

/** A peer in TypeScript, run with the options of this process, because it runs TypeScript too. */
const script = (
  name: SubjectName,
  file: string,
  surface: Surface,
  args: (circumstances: Circumstances) => string[] = () => [],
): Subject => ({
  name,
  surface,
  command: (port, circumstances) => ({
    file: process.execPath,
    args: [
      ...process.execArgv,
      fileURLToPath(new URL(file, import.meta.url)),
      String(port),
      ...args(circumstances),
    ],
  }),
});

const modelArgs = ({ modelDelayMs }: Circumstances): string[] => [String(modelDelayMs)];

const SCRIPTS: readonly Subject[] = [
  script("stream-sse", "hono-stream-sse.ts", BROADCASTER),
  // It puts no space behind a colon.
  script("better-sse", "better-sse.ts", { ...BROADCASTER, greeting: "event:live\n" }),
  script("node-loop", "node-loop.ts", BROADCASTER),
  script("ws", "ws-broadcast.ts", {
    ...BROADCASTER,
    protocol: "websocket",
    greeting: '"live"',
  }),
  script("socket-io", "socket-io.ts", {
    ...BROADCASTER,
    protocol: "socket.io",
    readPath: "/socket.io/?EIO=4&transport=websocket",
    greeting: '["live"',
  }),
  script("plain-route", "plain-route.ts", BROADCASTER, modelArgs),
  script("ai-sdk", "ai-sdk.ts", BROADCASTER, modelArgs),
  script("ai-sdk-resumable", "ai-sdk-resumable.ts", BROADCASTER, (circumstances) => [
    ...modelArgs(circumstances),
    circumstances.redisUrl!,
  ]),
  script("xrange", "xrange.ts", BROADCASTER, ({ redisUrl }) => [redisUrl!, REPLAY_KEY]),
];

const cLoop = (binary: string): Subject => ({
  name: "c-loop",
  surface: { ...BROADCASTER, body: "lines" },
  command: (port) => ({ file: binary, args: [String(port)] }),
});

/** The subjects that can run here, and why the others cannot. */
export interface Catalogue extends AsyncDisposable {
  readonly subjects: ReadonlyMap<SubjectName, Subject>;
  readonly missing: ReadonlyMap<SubjectName, string>;
}

/** Compiles and configures what needs it, in a directory that goes with the catalogue. @throws where the service is not built */
export async function createCatalogue(wanted: ReadonlySet<SubjectName>): Promise<Catalogue> {
  if (!existsSync(SERVICE)) throw new Error(`${SERVICE} is not there: run "npm run build" first.`);
  const directory = await mkdtemp(join(tmpdir(), "novastream-bench-"));
  const subjects = new Map([...NOVASTREAM, ...SCRIPTS].map((subject) => [subject.name, subject]));
  const missing = new Map<SubjectName, string>();
  const offer = (name: SubjectName, made: Subject | string): void =>
    void (typeof made === "string" ? missing.set(name, made) : subjects.set(name, made));
  if (wanted.has("c-loop")) {
    const binary = join(directory, "fan-out");
    offer("c-loop", (await compileFanOut(binary)) ?? cLoop(binary));
  }
  if (wanted.has("nchan")) offer("nchan", createNchan(directory));
  return {
    subjects,
    missing,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
