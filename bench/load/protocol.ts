import type { Surface } from "../subjects/subject.ts";
import type { ChatDialect } from "./chat-dialect.ts";

/** Opens readers and waits until each of them has been told that it is live. */
export interface OpenCommand {
  readonly kind: "open";
  readonly port: number;
  readonly surface: Surface;
  readonly readers: number;
  /** Events that each must have got by then; 0 = none. */
  readonly backlog: number;
  /** All in one go, not in waves. */
  readonly atOnce: boolean;
}

/** Publishes; each publish waits until every reader has what was published before. */
export interface PublishCommand {
  readonly kind: "publish";
  readonly events: number;
  /** Events in one publish. */
  readonly burst: number;
  /** Publishes a second; undefined = the next as soon as all have the last. */
  readonly rate?: number;
}

/** Publishes to nobody in particular: what readers are to find later. */
export interface FillCommand {
  readonly kind: "fill";
  readonly port: number;
  readonly surface: Surface;
  readonly events: number;
}

/** Cuts all readers, publishes what they miss, and has all come back at once with what they held. */
export interface ReconnectCommand {
  readonly kind: "reconnect";
  readonly missed: number;
}

/** GETs at once, each over a connection of its own. */
export interface GetCommand {
  readonly kind: "get";
  readonly port: number;
  readonly path: string;
  readonly requests: number;
}

/** Chats one after the other; between them the same model in this process, to know its own time. */
export interface ChatCommand {
  readonly kind: "chat";
  readonly port: number;
  readonly path: string;
  readonly dialect: ChatDialect;
  readonly requests: number;
  /** Of the model, before each token. */
  readonly modelDelayMs: number;
}

/** Chats at once, each over a connection of its own. */
export interface CrowdCommand {
  readonly kind: "crowd";
  readonly port: number;
  readonly path: string;
  readonly dialect: ChatDialect;
  readonly chats: number;
  /** Of each answer. */
  readonly tokens: number;
}

export type LoadCommand =
  | OpenCommand
  | PublishCommand
  | FillCommand
  | ReconnectCommand
  | GetCommand
  | ChatCommand
  | CrowdCommand;

/** What became of a command. */
export interface Outcome {
  /** Deliveries: events times readers; of other commands, answers. */
  readonly expected: number;
  /** Expected and not received, over all readers. */
  readonly lost: number;
  /** Received more than once, or out of its place. */
  readonly doubled: number;
  /** From the first byte sent until the last reader had all. */
  readonly wallMs: number;
  /** From just before the publish until a sampled reader has it; only where publishes are paced. */
  readonly latencyMs?: { readonly p50: number; readonly p99: number };
  /** Of chats: to the first token, over what the model itself takes; median. */
  readonly addedMs?: number;
  readonly crowd?: CrowdOutcome;
}

export interface CrowdOutcome {
  /** Of the answers that came whole. */
  readonly tokens: number;
  /** Tokens a second of an answer, from its first to its end; median. */
  readonly pace: number;
  /** Between two pieces of an answer, of those that are sampled. */
  readonly gapP99Ms: number;
}

export type LoadReply =
  | { readonly kind: "done"; readonly outcome: Outcome }
  | { readonly kind: "failed"; readonly message: string };
