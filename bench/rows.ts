import type { Measures } from "./measure.ts";
import type { SubjectName } from "./subjects/subject.ts";

/** A row of the table: what it shows of a subject, and what DESIGN.md §15 asks of NovaStream there. */
export interface Row {
  readonly title: string;
  /** Undefined where it has not been measured. */
  value(measures: Measures): number | undefined;
  readonly digits: number;
  /** Peers whose number means something else, so that a ratio would mean nothing. */
  readonly incomparable?: readonly SubjectName[];
  readonly budgets?: readonly Budget[];
}

export type Budget =
  | { readonly kind: "at-least"; readonly times: number; readonly peer: SubjectName }
  | { readonly kind: "at-most"; readonly limit: number };

export const ROWS: readonly Row[] = [
  {
    title: "one event a publish: deliveries per CPU second",
    value: ({ single }) => single?.perCpuSecond,
    digits: 0,
    budgets: [
      { kind: "at-least", times: 5, peer: "stream-sse" },
      { kind: "at-least", times: 0.65, peer: "c-loop" },
    ],
  },
  {
    title: "one event a publish: deliveries per second",
    value: ({ single }) => single?.perSecond,
    digits: 0,
  },
  {
    title: "10 events a publish: deliveries per CPU second",
    value: ({ bursts }) => bursts?.perCpuSecond,
    digits: 0,
    budgets: [{ kind: "at-least", times: 3, peer: "c-loop" }],
  },
  {
    title: "10 events a publish: deliveries per second",
    value: ({ bursts }) => bursts?.perSecond,
    digits: 0,
  },
  {
    title: "publish → receive at 10 publishes a second: p50, ms",
    value: ({ latency }) => latency?.p50,
    digits: 1,
  },
  {
    title: "publish → receive at 10 publishes a second: p99, ms",
    value: ({ latency }) => latency?.p99,
    digits: 1,
  },
  {
    title: "resident memory of an idle connection, KB",
    value: ({ idleKb }) => idleKb,
    digits: 1,
    // It keeps nothing but a number: what a connection costs it is the kernel's, and not resident memory.
    incomparable: ["c-loop"],
    budgets: [{ kind: "at-most", limit: 14 }],
  },
];
