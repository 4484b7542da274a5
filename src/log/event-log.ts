import type { Event, EventDraft } from "./event.ts";
import { ORIGIN, type Position } from "./position.ts";
import type { Topic } from "./topic.ts";

/** What an append may ask for beside appending. */
export interface AppendOptions {
  /**
   * Makes a repetition harmless: the first append under a key decides, a repetition returns its positions. Remembered
   * for 24 h. `fingerprint` stands for the body: the same key with another one is refused (`idempotency-mismatch`).
   */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string };
  /**
   * For a body that is streamed in batches: the key remembers how many drafts are in, and those of this call that are
   * already in (`offset` = the index of its first draft within the whole body) are skipped.
   */
  readonly progress?: { readonly key: string; readonly offset: number };
  /**
   * The writer's rising number, and a token that is its own for each append: an append with a lower number than the
   * topic has seen, or to a topic that has no events (any more), is refused (`fenced-off`); one that repeats the topic's
   * latest token returns its positions. `previous` is the token of the writer's append before this one: where the topic's
   * latest is another, part of what it wrote has been taken back, and going on would leave a hole that looks whole.
   */
  readonly fence?: {
    readonly number: number;
    readonly token: string;
    readonly previous?: string | undefined;
  };
  /** Ends the topic with this append: later ones are refused (`topic-closed`). */
  readonly close?: boolean;
}

export interface Appended {
  /** The position of the first draft; the others follow with the same ms and dense numbers. */
  readonly first: Position;
  readonly count: number;
  /** True where the drafts were in already and nothing was appended. */
  readonly repeated: boolean;
  /** With `progress`: how many drafts of the body are in by now. */
  readonly done: number;
}

export interface ReadLimit {
  readonly events: number;
  /** Of data, summed; at least one event is returned whatever its size. */
  readonly bytes: number;
}

export type GapReason = "trimmed" | "reset";

/** Events strictly after a cursor, in order, and whether they join on to it. */
export interface Slice {
  readonly events: readonly Event[];
  /** Set when the first event is not the cursor's successor. `missed` is exact, or null where nobody can know. */
  readonly gap: { readonly reason: GapReason; readonly missed: number | null } | undefined;
  /** More events may be there than the limit allowed. */
  readonly more: boolean;
  /** The topic has no events at all: never published to, deleted, expired or flushed. */
  readonly vacant: boolean;
  /**
   * Set where the cursor stands beyond the end of its incarnation: a failover or an old snapshot has taken back what the
   * reader has seen. The log goes on from this head, which the reader has passed.
   */
  readonly retracted?: Head;
}

export const VACANT: Slice = Object.freeze({
  events: [],
  gap: undefined,
  more: false,
  vacant: true,
});

export function retractedTo(head: Head): Slice {
  return { events: [], gap: undefined, more: false, vacant: false, retracted: head };
}

export interface Head {
  /** The last event's position; ORIGIN where the topic has none. */
  readonly position: Position;
  /** Of the current incarnation; 0 where the topic has none. */
  readonly born: number;
  readonly closed: boolean;
}

export const NO_HEAD: Head = Object.freeze({ position: ORIGIN, born: 0, closed: false });

/** Says that a topic has grown, and mostly with what. */
export type Doorbell =
  /** `after` is where the topic stood before: numbers alone would join on to what a failover has issued twice. */
  | { readonly kind: "events"; readonly events: readonly Event[]; readonly after: Position }
  /** It has grown, or may have: look. */
  | { readonly kind: "unsure"; readonly cause: "large" | "reconnect" }
  | { readonly kind: "deleted" };

/**
 * PORT. Stores events, in order. The truth: everything that a reader sees comes from here or is told as a gap.
 *
 * - `append` MUST be atomic per call, MUST number densely, and MUST have stored the events before any doorbell rings.
 * - `read` MUST be anchored: it starts at the cursor's own entry. There → it goes on. Absent and from before this
 *   incarnation → `reset`. Absent and before the first one retained → `trimmed`, unless that one joins on. Beyond the end
 *   of this incarnation → `retracted`, and nothing is read twice. Anything else → `reset`, read from the first entry after
 *   the cursor, or from the earliest if the ids have run backwards.
 * - `follow` MAY lose, repeat or reorder doorbells; whoever follows heals by reading. It resolves when doorbells for
 *   appends that start from now on will ring, and MUST ring `unsure` after any break.
 * - Every method rejects with ServiceError `log-unavailable` when the store cannot be reached.
 */
export interface EventLog extends AsyncDisposable {
  append(topic: Topic, drafts: readonly EventDraft[], options?: AppendOptions): Promise<Appended>;
  /** `earliest` reads from the first event retained and never reports a gap. */
  read(topic: Topic, after: Position | "earliest", limit: ReadLimit): Promise<Slice>;
  head(topic: Topic): Promise<Head>;
  /** The cursor from which the first event at or after `timeMs` comes next. */
  since(topic: Topic, timeMs: number): Promise<Position>;
  /** The log's clock, in ms since the epoch: no event that is appended from now on has an earlier time. */
  now(topic: Topic): Promise<number>;
  /**
   * The cursor from which the last `count` events come next, as if the log ended with `upTo`, which was its head a moment
   * ago: a later look would find it behind that head on a busy topic. Where nothing up to there is left, it is `upTo`.
   */
  last(topic: Topic, count: number, upTo?: Position): Promise<Position>;
  follow(topic: Topic, listener: (doorbell: Doorbell) => void): Promise<AsyncDisposable>;
  delete(topic: Topic): Promise<void>;
}
