import type { SubjectName } from "./subjects/subject.ts";

/** A row of the table: which metric of which scenario it shows, and what is asked of NovaStream there. */
export interface Row {
  readonly scenario: string;
  readonly metric: string;
  readonly title: string;
  readonly digits: number;
  /** Which way a figure is the better one. */
  readonly better: "more" | "less";
  readonly budgets?: readonly Budget[];
}

export type Budget =
  /** Of NovaStream's figure, so many times the peer's, or at most so many times. */
  | { readonly kind: "at-least-times"; readonly times: number; readonly peer: SubjectName }
  | { readonly kind: "at-most-times"; readonly times: number; readonly peer: SubjectName }
  /** Of NovaStream's figure alone. */
  | { readonly kind: "at-most"; readonly limit: number };

/** `scenario.metric`, as the results and the comparison call it. */
export function rowId({ scenario, metric }: Row): string {
  return `${scenario}.${metric}`;
}

const atLeast = (times: number, peer: SubjectName): Budget => ({
  kind: "at-least-times",
  times,
  peer,
});

export const ROWS: readonly Row[] = [
  {
    scenario: "single",
    metric: "perCpuSecond",
    title: "SSE, one event a publish: deliveries per CPU second",
    digits: 0,
    better: "more",
    budgets: [atLeast(5, "stream-sse"), atLeast(1.1, "nchan"), atLeast(0.65, "c-loop")],
  },
  {
    scenario: "single",
    metric: "perSecond",
    title: "the same: deliveries per second",
    digits: 0,
    better: "more",
  },
  {
    scenario: "bursts",
    metric: "perCpuSecond",
    title: "SSE, 10 events a publish: deliveries per CPU second",
    digits: 0,
    better: "more",
    budgets: [atLeast(3, "c-loop")],
  },
  {
    scenario: "latency",
    metric: "p50Ms",
    title: "publish → receive at 10 publishes a second: p50, ms",
    digits: 1,
    better: "less",
  },
  {
    scenario: "latency",
    metric: "p99Ms",
    title: "the same: p99, ms",
    digits: 1,
    better: "less",
    budgets: [{ kind: "at-most-times", times: 1, peer: "nchan" }],
  },
  {
    scenario: "idle",
    metric: "kb",
    title: "resident memory of an idle SSE connection, KB",
    digits: 1,
    better: "less",
    budgets: [{ kind: "at-most", limit: 14 }],
  },
  {
    scenario: "websocket",
    metric: "perCpuSecond",
    title: "WebSocket, one event a publish: deliveries per CPU second",
    digits: 0,
    better: "more",
  },
  {
    scenario: "chat",
    metric: "addedMs",
    title: "chat: added to the model's time to the first token, ms",
    digits: 2,
    better: "less",
    budgets: [{ kind: "at-most", limit: 3 }],
  },
  {
    scenario: "chat-redis",
    metric: "addedMs",
    title: "the same with Redis, ms",
    digits: 2,
    better: "less",
    budgets: [{ kind: "at-most", limit: 5 }],
  },
  {
    scenario: "chat-ui",
    metric: "addedMs",
    title: "UI message stream: added to the model's time to the first token, ms",
    digits: 2,
    better: "less",
    budgets: [{ kind: "at-most", limit: 3 }],
  },
  {
    scenario: "chat-ui-redis",
    metric: "addedMs",
    title: "the same with Redis, ms",
    digits: 2,
    better: "less",
    budgets: [{ kind: "at-most", limit: 5 }],
  },
  {
    scenario: "tokens",
    metric: "perCpuSecond",
    title: "UI message streams, 50 tokens a second each: tokens delivered per CPU second",
    digits: 0,
    better: "more",
  },
  {
    scenario: "tokens-redis",
    metric: "perCpuSecond",
    title: "the same with Redis",
    digits: 0,
    better: "more",
  },
  {
    scenario: "chats-many",
    metric: "pace",
    title: "many chats at once, 50 tokens a second each: tokens a second of an answer",
    digits: 1,
    better: "more",
  },
  {
    scenario: "chats-many",
    metric: "perCpuSecond",
    title: "the same: tokens delivered per CPU second",
    digits: 0,
    better: "more",
  },
  {
    scenario: "chats-many",
    metric: "gapP99Ms",
    title: "the same: between two pieces of an answer, p99, ms",
    digits: 0,
    better: "less",
  },
  {
    scenario: "chats-many",
    metric: "lagP99Ms",
    title: "the same: lag of the event loop, p99, ms",
    digits: 0,
    better: "less",
  },
  {
    scenario: "chats-many",
    metric: "kb",
    title: "the same: resident memory of each answer, KB",
    digits: 0,
    better: "less",
  },
  {
    scenario: "chats-many-redis",
    metric: "pace",
    title: "many chats at once with Redis: tokens a second of an answer",
    digits: 1,
    better: "more",
  },
  {
    scenario: "chats-many-redis",
    metric: "perCpuSecond",
    title: "the same: tokens delivered per CPU second",
    digits: 0,
    better: "more",
  },
  {
    scenario: "chats-many-redis",
    metric: "gapP99Ms",
    title: "the same: between two pieces of an answer, p99, ms",
    digits: 0,
    better: "less",
  },
  {
    scenario: "chats-many-redis",
    metric: "lagP99Ms",
    title: "the same: lag of the event loop, p99, ms",
    digits: 0,
    better: "less",
  },
  {
    scenario: "chats-many-redis",
    metric: "kb",
    title: "the same: resident memory of each answer, KB",
    digits: 0,
    better: "less",
  },
  {
    scenario: "replay",
    metric: "perSecond",
    title: "replay from Redis to many readers at once: events per second",
    digits: 0,
    better: "more",
    budgets: [atLeast(5, "xrange")],
  },
  {
    scenario: "replay",
    metric: "perCpuSecond",
    title: "the same: events per CPU second",
    digits: 0,
    better: "more",
  },
  {
    scenario: "publish",
    metric: "perSecond",
    title: "publish through Redis, acknowledged and delivered: events per second",
    digits: 0,
    better: "more",
    budgets: [atLeast(0.33, "bare-append")],
  },
  {
    scenario: "reconnect",
    metric: "ms",
    title: "all back at once with Last-Event-ID: until the last is live, ms",
    digits: 0,
    better: "less",
    budgets: [{ kind: "at-most-times", times: 3, peer: "plain-get" }],
  },
  {
    scenario: "connections",
    metric: "openMs",
    title: "many connections: until all are live, ms",
    digits: 0,
    better: "less",
  },
  {
    scenario: "connections",
    metric: "kb",
    title: "the same: resident memory of each, KB",
    digits: 1,
    better: "less",
  },
  {
    scenario: "connections",
    metric: "p99Ms",
    title: "the same: publish → receive at one publish a second, p99, ms",
    digits: 0,
    better: "less",
  },
];
