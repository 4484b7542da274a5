import { idempotencyMismatch } from "../errors.ts";
import type { EventDraft } from "./event.ts";
import {
  type Appended,
  type AppendOptions,
  type Doorbell,
  type EventLog,
  type Head,
  NO_HEAD,
  type ReadLimit,
  type Slice,
  VACANT,
} from "./event-log.ts";
import { MemoryTopic } from "./memory-topic.ts";
import { ORIGIN, type Position } from "./position.ts";
import { IDEMPOTENCY_TTL_MS, idleMsAfter, retentionOf, type RetentionTable } from "./retention.ts";
import type { Topic } from "./topic.ts";

const SWEEP_INTERVAL_MS = 60_000;
/** Idempotency keys that are remembered; the oldest go first. */
const MEMOS_MAX = 100_000;

interface Memo {
  readonly fingerprint: string;
  readonly first: Position;
  readonly count: number;
  readonly done: number;
  readonly expiresAt: number;
}

export interface MemoryEventLogOptions {
  readonly retention: RetentionTable;
  /**
   * Of data over all topics. Beyond it the topic that grows loses its oldest, and where that is not enough, the quietest
   * topics are forgotten; either is told to readers as a gap.
   */
  readonly maxBytes: number;
  readonly now?: () => number;
}

/** The embedded log: the same behaviour as Redis for one process; a restart forgets it. */
export class MemoryEventLog implements EventLog {
  readonly #options: MemoryEventLogOptions;
  readonly #now: () => number;
  readonly #topics = new Map<Topic, MemoryTopic>();
  readonly #memos = new Map<string, Memo>();
  readonly #listeners = new Map<Topic, Set<(doorbell: Doorbell) => void>>();
  readonly #sweeper: NodeJS.Timeout;
  #bytes = 0;

  constructor(options: MemoryEventLogOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref();
  }

  async append(
    topic: Topic,
    drafts: readonly EventDraft[],
    options: AppendOptions = {},
  ): Promise<Appended> {
    const now = this.#now();
    const key = options.idempotency?.key ?? options.progress?.key;
    const memoKey = key === undefined ? undefined : `${topic}\n${key}`;
    const memo = memoKey === undefined ? undefined : this.#memo(memoKey, now);
    if (memo && options.idempotency) {
      if (memo.fingerprint !== options.idempotency.fingerprint) throw idempotencyMismatch();
      return { first: memo.first, count: memo.count, repeated: true, done: memo.done };
    }
    const offset = options.progress?.offset ?? 0;
    const skip = memo && options.progress ? Math.max(0, memo.done - offset) : 0;
    if (memo && skip >= drafts.length)
      return { first: memo.first, count: 0, repeated: true, done: memo.done };

    const entry = this.#topic(topic, now) ?? new MemoryTopic(topic);
    const before = entry.bytes;
    const after = entry.head.position;
    const { events, appended } = entry.append(skip ? drafts.slice(skip) : drafts, options, now);
    if (appended.repeated) return appended;
    // The one that was appended to most recently stands last.
    this.#topics.delete(topic);
    this.#topics.set(topic, entry);
    this.#retain(entry, before);
    const result = { ...appended, done: offset + drafts.length };
    if (memoKey !== undefined) {
      const first = options.progress ? events.at(-1)!.position : appended.first;
      const fingerprint = options.idempotency?.fingerprint ?? "";
      this.#remember(memoKey, {
        fingerprint,
        first,
        count: appended.count,
        done: result.done,
        expiresAt: now + IDEMPOTENCY_TTL_MS,
      });
    }
    this.#ring(topic, { kind: "events", events, after });
    return result;
  }

  async read(topic: Topic, after: Position | "earliest", limit: ReadLimit): Promise<Slice> {
    return this.#topic(topic)?.read(after, limit) ?? VACANT;
  }

  async head(topic: Topic): Promise<Head> {
    return this.#topic(topic)?.head ?? NO_HEAD;
  }

  async since(topic: Topic, timeMs: number): Promise<Position> {
    return this.#topic(topic)?.since(timeMs) ?? ORIGIN;
  }

  async now(): Promise<number> {
    return this.#now();
  }

  async last(topic: Topic, count: number, upTo?: Position): Promise<Position> {
    return this.#topic(topic)?.last(count, upTo) ?? upTo ?? ORIGIN;
  }

  async follow(topic: Topic, listener: (doorbell: Doorbell) => void): Promise<AsyncDisposable> {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return {
      [Symbol.asyncDispose]: async () => {
        listeners.delete(listener);
        if (listeners.size === 0 && this.#listeners.get(topic) === listeners)
          this.#listeners.delete(topic);
      },
    };
  }

  async delete(topic: Topic): Promise<void> {
    const entry = this.#topics.get(topic);
    if (!entry) return;
    this.#forget(entry);
    this.#ring(topic, { kind: "deleted" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    this.#listeners.clear();
  }

  /** Off the publisher's stack, as over a socket: a listener's fault is not the publisher's. */
  #ring(topic: Topic, doorbell: Doorbell): void {
    if (!this.#listeners.has(topic)) return;
    queueMicrotask(() => {
      for (const listener of this.#listeners.get(topic) ?? []) listener(doorbell);
    });
  }

  #retain(entry: MemoryTopic, bytesBefore: number): void {
    const { count } = retentionOf(this.#options.retention, entry.topic);
    if (count > 0) {
      entry.trim(count);
      const excess = this.#bytes + entry.bytes - bytesBefore - this.#options.maxBytes;
      if (excess > 0) entry.free(excess);
    }
    this.#bytes += entry.bytes - bytesBefore;
    for (const quietest of this.#topics.values()) {
      if (this.#bytes <= this.#options.maxBytes || quietest === entry) break;
      this.#forget(quietest);
    }
  }

  #topic(topic: Topic, now = this.#now()): MemoryTopic | undefined {
    const entry = this.#topics.get(topic);
    if (!entry || !this.#expired(entry, now)) return entry;
    this.#forget(entry);
    return undefined;
  }

  #expired(entry: MemoryTopic, now: number): boolean {
    const idleMs = idleMsAfter(
      retentionOf(this.#options.retention, entry.topic),
      entry.head.closed,
    );
    return idleMs > 0 && now - entry.touchedAt >= idleMs;
  }

  #forget(entry: MemoryTopic): void {
    this.#topics.delete(entry.topic);
    this.#bytes -= entry.bytes;
  }

  #memo(key: string, now: number): Memo | undefined {
    const memo = this.#memos.get(key);
    return memo && memo.expiresAt > now ? memo : undefined;
  }

  #remember(key: string, memo: Memo): void {
    this.#memos.set(key, memo);
    if (this.#memos.size <= MEMOS_MAX) return;
    for (const oldest of this.#memos.keys()) {
      this.#memos.delete(oldest);
      return;
    }
  }

  #sweep(): void {
    const now = this.#now();
    for (const entry of this.#topics.values()) if (this.#expired(entry, now)) this.#forget(entry);
    for (const [key, memo] of this.#memos) if (memo.expiresAt <= now) this.#memos.delete(key);
  }
}
