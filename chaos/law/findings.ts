/** What can be wrong; each must be 0. */
export const FAULTS = {
  lost: "events that were acknowledged or in the log, and neither delivered nor told of",
  doubled: "events delivered twice, or appended twice under one key",
  disordered: "events delivered after later ones",
  untold: "places where events do not join on and no gap stands between",
  untrue: "gaps and drops that say what is not so",
  phantom:
    "events delivered that the log never held, or held with another content, or that a filter was to hold back",
  late: "readers who were given nothing for too long of a topic to which events were acknowledged meanwhile",
  refused:
    "answers that no client may be given: an error to an EventSource, a refusal of a sound publish",
  fallen: "service processes that ended by themselves, or did not end as asked",
  alarm: "lines at ERROR that services have logged: what mends by itself is none",
} as const;

export type Fault = keyof typeof FAULTS;

const EXAMPLES_MAX = 5;

/** Counts what is wrong, with the first few of each in words. */
export class Findings {
  readonly counts = Object.fromEntries(Object.keys(FAULTS).map((fault) => [fault, 0])) as Record<
    Fault,
    number
  >;
  readonly examples: string[] = [];
  readonly #shown = new Map<Fault, number>();

  add(fault: Fault, where: string, what: string, count = 1): void {
    this.counts[fault] += count;
    const shown = this.#shown.get(fault) ?? 0;
    if (shown >= EXAMPLES_MAX) return;
    this.#shown.set(fault, shown + 1);
    this.examples.push(`${fault}: ${where}: ${what}`);
  }

  get clean(): boolean {
    return Object.values(this.counts).every((count) => count === 0);
  }
}
