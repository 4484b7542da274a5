import type { FaultKind } from "./faults/kinds.ts";
import type { Fault } from "./law/findings.ts";
import type { Form } from "./world/store.ts";

/** What one run gave. */
export interface RunResult {
  readonly form: Form;
  readonly seed: number;
  readonly control: string | undefined;
  readonly durationMs: number;
  /** How often each kind struck. */
  readonly struck: Readonly<Partial<Record<FaultKind, number>>>;
  /** Events that were acknowledged, and attempts to publish that it took. */
  readonly published: number;
  readonly attempts: number;
  readonly delivered: number;
  readonly deliveredBy: Readonly<Record<string, number>>;
  /** Connections that readers opened, and connections that were cut. */
  readonly connections: number;
  readonly cuts: number;
  readonly gapsTold: number;
  /** Acknowledged events that an asynchronous failover took back, as their readers were told. */
  readonly takenBack: number;
  readonly findings: Readonly<Record<Fault, number>>;
  readonly examples: readonly string[];
  /** By kind of fault, in ms. */
  readonly recoveryMs: Readonly<Partial<Record<FaultKind, readonly number[]>>>;
  /** For how long a reader was given nothing that was there for it, less the faults meanwhile; ms. */
  readonly longestSilenceMs: number;
  /** Lines at ERROR that services have logged. */
  readonly complaints: readonly string[];
  readonly clean: boolean;
}
