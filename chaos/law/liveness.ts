import type { Findings } from "./findings.ts";

/** One topic of one reader. */
export interface Watched {
  readonly reader: string;
  readonly topic: string;
  /** Undefined where it wants all. */
  readonly wants: ((mark: string) => boolean) | undefined;
}

/** From when to when a reader was given nothing of a topic, though something was there for it. */
interface Silence {
  readonly watched: Watched;
  readonly fromMs: number;
  readonly toMs: number;
  /** Acknowledged meanwhile, and not given. */
  readonly owed: number;
}

interface Standing {
  readonly watched: Watched;
  readonly given: Set<string>;
  owed: number;
  owedSinceMs: number;
}

/** Silences that are worth a second look. */
const NOTABLE_MS = 500;

/**
 * The law of liveness: what is acknowledged is given, or a notice in its place, within a bound. A silence begins when
 * something is acknowledged that the reader has not been given, and ends with anything that it is given or told of that
 * topic. While a fault lasts its clock stands still, because nobody can be served by what has been stopped; it does not
 * begin anew, lest faults that follow each other quickly hide a reader who hears nothing between them.
 *
 * Times are ms since the epoch, of one machine.
 */
export class Liveness {
  readonly #boundMs: number;
  readonly #standings = new Map<string, Standing>();
  readonly #byTopic = new Map<string, Standing[]>();
  readonly #faults: { readonly fromMs: number; readonly toMs: number }[] = [];
  readonly #silences: Silence[] = [];

  constructor(all: Iterable<Watched>, boundMs: number) {
    this.#boundMs = boundMs;
    for (const watched of all) {
      const standing = { watched, given: new Set<string>(), owed: 0, owedSinceMs: 0 };
      this.#standings.set(`${watched.reader} ${watched.topic}`, standing);
      const others = this.#byTopic.get(watched.topic) ?? [];
      this.#byTopic.set(watched.topic, [...others, standing]);
    }
  }

  acknowledged(topic: string, mark: string, nowMs = Date.now()): void {
    for (const standing of this.#byTopic.get(topic) ?? []) {
      // Many a delivery comes before the answer to its publisher.
      if (standing.given.has(mark) || standing.watched.wants?.(mark) === false) continue;
      if (standing.owed++ === 0) standing.owedSinceMs = nowMs;
    }
  }

  given(reader: string, topic: string, mark: string, nowMs = Date.now()): void {
    const standing = this.#standings.get(`${reader} ${topic}`);
    if (!standing) return;
    standing.given.add(mark);
    this.#heard(standing, nowMs);
  }

  /** Of a gap or of dropped events. */
  told(reader: string, topic: string, nowMs = Date.now()): void {
    const standing = this.#standings.get(`${reader} ${topic}`);
    if (standing) this.#heard(standing, nowMs);
  }

  /**
   * @param toMs when clients could be served again
   * @param takes true where it has taken events away: what comes next shows whether readers hear
   */
  struck(fromMs: number, toMs: number, takes: boolean, nowMs = Date.now()): void {
    this.#faults.push({ fromMs, toMs });
    if (takes) for (const standing of this.#standings.values()) this.#heard(standing, nowMs);
  }

  #heard(standing: Standing, nowMs: number): void {
    const { watched, owed, owedSinceMs } = standing;
    standing.owed = 0;
    if (owed === 0 || nowMs - owedSinceMs < NOTABLE_MS) return;
    this.#silences.push({ watched, fromMs: owedSinceMs, toMs: nowMs, owed });
  }

  /** At the end. @returns the longest silence, less the faults in it, in ms; 0 where none is worth the name */
  check(findings: Findings, nowMs = Date.now()): number {
    for (const standing of this.#standings.values()) this.#heard(standing, nowMs);
    let longestMs = 0;
    for (const { watched, fromMs, toMs, owed } of this.#silences) {
      const undisturbedMs = toMs - fromMs - this.#disturbedMs(fromMs, toMs);
      longestMs = Math.max(longestMs, undisturbedMs);
      if (undisturbedMs <= this.#boundMs) continue;
      const [all, undisturbed] = [toMs - fromMs, undisturbedMs].map(Math.round);
      findings.add(
        "late",
        `${watched.reader} on ${watched.topic}`,
        `given nothing for ${all} ms, ${undisturbed} ms of them without a fault, while ${owed} events were acknowledged`,
      );
    }
    return longestMs;
  }

  /** Faults come one after the other, and so do not overlap. */
  #disturbedMs(fromMs: number, toMs: number): number {
    return this.#faults.reduce(
      (sum, fault) =>
        sum + Math.max(0, Math.min(toMs, fault.toMs) - Math.max(fromMs, fault.fromMs)),
      0,
    );
  }
}
