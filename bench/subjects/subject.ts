import type { ChatDialect } from "../load/chat-dialect.ts";

/** What is measured and what it is measured against, as the table calls them. */
export const TITLES = {
  novastream: "NovaStream",
  "novastream-console": "NovaStream's console",
  "novastream-redis": "NovaStream on Redis",
  "stream-sse": "Hono `streamSSE`",
  "better-sse": "`better-sse`",
  nchan: "nchan",
  "node-loop": "bare Node loop",
  "c-loop": "C loop",
  ws: "`ws`",
  "socket-io": "`socket.io`",
  "plain-route": "the model in a plain route",
  "ai-sdk": "the AI SDK's own response",
  "ai-sdk-resumable": "the same with `resumable-stream`",
  xrange: "an XRANGE per reader and page",
  "bare-append": "the bare Lua script",
  "plain-get": "plain GETs",
} as const;

export type SubjectName = keyof typeof TITLES;
export const SUBJECTS = Object.keys(TITLES) as readonly SubjectName[];

/** A program to run, with nothing in its environment but this and PATH. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A server, as a process of its own, that fans out what is published to it. */
export interface Subject {
  readonly name: SubjectName;
  readonly surface: Surface;
  /** What to run, once the port is known. */
  command(port: number, circumstances: Circumstances): Command;
}

/** What a trial has for its subject. */
export interface Circumstances {
  /** Where the trial has a Redis. */
  readonly redisUrl: string | undefined;
  /** Of the demo model, before each token. */
  readonly modelDelayMs: number;
}

/** How a subject is published to and read. */
export interface Surface {
  readonly protocol: "sse" | "websocket" | "socket.io";
  readonly readPath: string;
  readonly publishPath: string;
  /** One JSON document or an array of them · one document a line · a status, by PUT. */
  readonly body: "json" | "lines" | "status";
  /** What is in the message that tells a reader that it is live. */
  readonly greeting: string;
}

/** How a subject is asked for an answer. */
export interface ChatSurface {
  readonly path: string;
  readonly dialect: ChatDialect;
}
