import type { Entry } from "../law/history.ts";

/** The forms in which events are kept. */
export const FORMS = ["memory", "standalone", "sentinel", "cluster"] as const;
export type Form = (typeof FORMS)[number];

/** What a topic held at one moment. */
export type Contents = ReadonlyMap<string, readonly Entry[]>;

/** A time during which what was written may be taken back, by the clock that positions tell; ms since the epoch. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a fault of the store has done to the log. */
export interface Aftermath {
  /** What topics held just before they lost it. */
  readonly lost?: Contents;
  /** Set where more may have been taken back than anybody can say: only while the one that is gone took writes. */
  readonly windows?: readonly Window[];
  /** From when on clients could be served again, where what comes after that is only tidying up; ms since the epoch. */
  readonly servedMs?: number;
  /** From when on the whole is expected to mend by itself; by default from when the fault is over. */
  readonly sinceMs?: number;
}

/** Resolves when it is over. @param target which of several is struck: index modulo their number */
export type StoreFault = (durationMs: number, target: number) => Promise<Aftermath | void>;

/** PORT. Where the service processes keep their events, and what can be done to it. */
export interface Store extends AsyncDisposable {
  readonly form: Form;
  /** What the service processes are told. */
  readonly environment: Readonly<Record<string, string>>;
  /** What it can suffer beside what befalls services and the network, by kind of fault. */
  readonly faults: ReadonlyMap<string, StoreFault>;
  /** What the topics hold, read past the service; undefined where only the service can say. */
  contents(topics: readonly string[]): Promise<Contents | undefined>;
}

export async function eachOf(
  topics: readonly string[],
  entriesOf: (topic: string) => Promise<Entry[]>,
): Promise<Contents> {
  const contents = new Map<string, readonly Entry[]>();
  for (const topic of topics) contents.set(topic, await entriesOf(topic));
  return contents;
}
