import { kindOf, type Topic, type TopicKind } from "./topic.ts";

const HOUR = 3_600_000;

export interface Retention {
  /** At least this many events are kept; 0 = never trimmed. */
  readonly count: number;
  /** A topic untouched for so long is forgotten, in milliseconds; 0 = never. */
  readonly idleMs: number;
  /** The same once the topic is closed; undefined = as before. */
  readonly closedIdleMs?: number;
}

export type RetentionTable = Readonly<Record<TopicKind, Retention>>;

/** The defaults; `RETENTION_<KIND>=count,idle` overrides one. */
export const DEFAULT_RETENTION: RetentionTable = {
  status: { count: 100, idleMs: 0 },
  logs: { count: 10_000, idleMs: 24 * HOUR },
  commands: { count: 1_000, idleMs: 24 * HOUR },
  command: { count: 10_000, idleMs: HOUR },
  audit: { count: 1_000, idleMs: 24 * HOUR },
  notifications: { count: 1_000, idleMs: 7 * 24 * HOUR },
  chat: { count: 0, idleMs: 24 * HOUR, closedIdleMs: HOUR },
  app: { count: 10_000, idleMs: 24 * HOUR },
};

/** How long an idempotency key is remembered, in milliseconds. */
export const IDEMPOTENCY_TTL_MS = 24 * HOUR;

export function retentionOf(table: RetentionTable, topic: Topic): Retention {
  return table[kindOf(topic)];
}

/** The idle time that holds after an append; 0 = for ever. */
export function idleMsAfter(retention: Retention, closed: boolean): number {
  return closed ? (retention.closedIdleMs ?? retention.idleMs) : retention.idleMs;
}
