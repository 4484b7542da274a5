import type { Surface } from "../subjects/subject.ts";

/** Opens readers and waits until each of them has been told that it is live. */
export interface OpenCommand {
  readonly kind: "open";
  readonly port: number;
  readonly surface: Surface;
  readonly readers: number;
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

export type LoadCommand = OpenCommand | PublishCommand;

/** What became of a `publish` command. */
export interface Delivery {
  /** Events times readers. */
  readonly expected: number;
  /** Expected and not received, over all readers. */
  readonly lost: number;
  /** Received beyond what was expected. */
  readonly doubled: number;
  /** From the first publish until the last reader had the last event. */
  readonly wallMs: number;
  /** From just before the publish until a sampled reader has it; only where publishes are paced. */
  readonly latencyMs: { readonly p50: number; readonly p99: number } | undefined;
}

export type LoadReply =
  | { readonly kind: "opened" }
  | { readonly kind: "delivered"; readonly delivery: Delivery }
  | { readonly kind: "failed"; readonly message: string };
