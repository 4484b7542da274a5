/** What a check is given: a gateway with the service behind it, and what may be done to them. */
export interface Trial {
  /** Where the gateway listens, without a path. */
  readonly url: string;
  /** The gateway must bear so much silence but for heartbeats, in ms: more than twice its idle timeouts. */
  readonly idleMs: number;
  /** More than once the gateway's idle timeouts, in ms. */
  readonly silenceMs: number;
  /** How long a long poll may wait: less than the gateway's idle timeouts, in ms. */
  readonly pollMs: number;
  /** How often a client that has nothing to say sends a heartbeat, in ms. */
  readonly heartbeatMs: number;
  /** How long a check waits for what should come at once, in ms. */
  readonly patienceMs: number;
  /** How long it may take from what is sent to what is received, in ms: the median of several. */
  readonly promptMs: number;
  /** How much longer than the fastest a piece may be under way, in ms: less than those 200 ms for which pieces are glued. */
  readonly unevenMs: number;
}

/** What can be done where the processes of the service are ours. */
export interface Freezer {
  /** Holds all processes still: their connections stay open, and nothing is read. */
  freeze(): void;
  thaw(): void;
}

/** One way to use the service, through a gateway. Each part rejects with what has gone wrong. */
export interface Check {
  readonly name: string;
  /** First byte in time, each piece as it is sent, each once. */
  readonly steady: (trial: Trial) => Promise<void>;
  /** A client that is cut and comes back is given each piece once. */
  readonly resume: (trial: Trial) => Promise<void>;
  /** Whether `slow` means nothing without a freezer. */
  readonly freezes?: boolean;
  /** Who does not read is waited for, all the way to the service, and slows nobody down. */
  readonly slow: (trial: Trial, freezer?: Freezer) => Promise<void>;
  /** Silence that is broken by heartbeats alone, for longer than the gateway's idle timeouts. */
  readonly idle: (trial: Trial) => Promise<void>;
  /** Every process is replaced meanwhile. @param rolled resolves once they have been */
  readonly rolling: (trial: Trial, rolled: Promise<void>) => Promise<void>;
}

let names = 0;
/** A name that no other check, and no earlier run against the same service, has used. */
export function ownName(prefix: string): string {
  return `${prefix}-${Date.now().toString(36)}-${process.pid.toString(36)}-${++names}`;
}

/** @throws with the delays, where the given share of them took longer than they may */
export function requirePrompt(
  what: string,
  delaysMs: readonly number[],
  promptMs: number,
  share = 0.5,
): void {
  const sorted = delaysMs.toSorted((a, b) => a - b);
  if (sorted[Math.floor(sorted.length * (1 - share))]! <= promptMs) return;
  const list = delaysMs.map((ms) => Math.round(ms)).join(", ");
  throw new Error(`${what} took more than ${promptMs} ms: ${list}`);
}

/** @throws where the numbers are not 0, 1, 2 … */
export function requireEachOnce(what: string, numbers: readonly number[], count: number): void {
  const at = Array.from({ length: Math.max(count, numbers.length) }, (_, n) => n).find(
    (n) => numbers[n] !== n,
  );
  if (at === undefined) return;
  const around = numbers.slice(Math.max(0, at - 2), at + 3).join(", ");
  throw new Error(
    `${what}: not each once and in order, ${numbers.length} of ${count}: … ${around} …`,
  );
}
