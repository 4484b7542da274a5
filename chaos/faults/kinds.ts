import type { Form } from "../world/store.ts";

export interface FaultDescription {
  readonly title: string;
  /** Forms of the store to which it applies. */
  readonly forms: readonly Form[];
  /** How long it lasts, where it lasts. */
  readonly durationMs: readonly [min: number, max: number];
}

const ALL: readonly Form[] = ["memory", "standalone", "sentinel", "cluster"];
const REDIS: readonly Form[] = ["standalone", "sentinel", "cluster"];

/** What befalls a run, beside connections that are cut at random bytes all the time. */
export const FAULT_KINDS = {
  "cut-all": { title: "every client's connection reset at once", forms: ALL, durationMs: [0, 0] },
  freeze: {
    title: "half of the clients' connections half-open, then resumed or cut",
    forms: ALL,
    durationMs: [500, 3_000],
  },
  "service-kill": {
    title: "SIGKILL of a service process, a new one in its place",
    forms: ALL,
    durationMs: [0, 0],
  },
  "service-term": {
    title: "SIGTERM of a service process, a new one in its place",
    forms: REDIS,
    durationMs: [0, 0],
  },
  "service-pause": {
    title: "SIGSTOP of a service process, then SIGCONT",
    forms: ALL,
    durationMs: [500, 4_000],
  },
  overrun: {
    title: "a burst of large events while a service process is stopped: Redis cuts its subscriber",
    forms: REDIS,
    durationMs: [500, 2_000],
  },
  "redis-kill": {
    title: "SIGKILL of Redis, started again with its append-only file",
    forms: ["standalone"],
    durationMs: [100, 1_500],
  },
  "redis-pause": {
    title: "SIGSTOP of Redis, then SIGCONT",
    forms: ["standalone"],
    durationMs: [300, 2_500],
  },
  "redis-cut": {
    title: "every connection to Redis reset, replies under way lost",
    forms: ["standalone"],
    durationMs: [0, 0],
  },
  "redis-freeze": {
    title: "connections to Redis half-open, then resumed or cut",
    forms: ["standalone"],
    durationMs: [500, 2_500],
  },
  "master-kill": {
    title: "SIGKILL of a master, its replica takes over, and it comes back as a replica",
    forms: ["sentinel", "cluster"],
    durationMs: [0, 0],
  },
  "master-kill-behind": {
    title: "SIGKILL of a master whose replicas lack its last writes",
    forms: ["sentinel"],
    durationMs: [0, 0],
  },
  "master-pause": {
    title: "SIGSTOP of a master until its replica has taken over, then SIGCONT",
    forms: ["sentinel", "cluster"],
    durationMs: [0, 0],
  },
  failover: {
    title: "a failover that an operator asks for",
    forms: ["sentinel", "cluster"],
    durationMs: [0, 0],
  },
  "slot-move": {
    title: "the slot of a topic moves to another master, half moved for a while",
    forms: ["cluster"],
    durationMs: [100, 1_500],
  },
  "follow-kill": {
    title: "CLIENT KILL of the follow connections",
    forms: REDIS,
    durationMs: [0, 0],
  },
  flush: { title: "all topics emptied at once", forms: REDIS, durationMs: [0, 0] },
  delete: { title: "one topic's stream deleted", forms: REDIS, durationMs: [0, 0] },
} as const satisfies Record<string, FaultDescription>;

export type FaultKind = keyof typeof FAULT_KINDS;

/** @returns the kinds that apply to a form, in the order of the registry */
export function faultsOf(form: Form): FaultKind[] {
  return (Object.keys(FAULT_KINDS) as FaultKind[]).filter((kind) =>
    (FAULT_KINDS[kind].forms as readonly Form[]).includes(form),
  );
}
