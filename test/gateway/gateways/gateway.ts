import type { Change, GatewayProcess, Verdict } from "./gateway-process.ts";

/** Idle timeouts where they are what is tested, instead of minutes. */
export const IDLE_SECONDS = 1;

/** When an EventSource is told to come back by the gateway itself. */
export const SOON: Change = ["retry: 5000", "retry: 200"];

export interface GatewaySetup {
  /** `host:port` of each process of the service. */
  readonly backends: readonly [string, string];
  /** With its idle timeouts as short as IDLE_SECONDS, and SOON; else all durations are as shipped. */
  readonly impatient?: boolean;
  /** What is made wrong. */
  readonly broken?: readonly Change[];
}

/** A gateway that can be started from its shipped file. */
export interface Gateway {
  readonly name: string;
  /** Of the repository. */
  readonly file: string;
  /** Without what it has to tell an EventSource when no process is there; undefined where it has nothing. */
  readonly careless?: readonly Change[];
  /** What would make it repeat POSTs. */
  readonly repeating?: readonly Change[];
  start(setup: GatewaySetup): Promise<GatewayProcess>;
  /** The program's own check of a configuration: of the shipped file, but for the addresses. */
  check(broken?: readonly Change[]): Verdict;
}
