import type { FaultKind } from "./faults/kinds.ts";

interface Wound {
  readonly kind: FaultKind;
  readonly sinceMs: number;
  /** Readers and topics to which nothing newer has come yet. */
  readonly waiting: Set<string>;
}

/**
 * How long it takes after a fault until every reader has been given, of each of its topics, something that was first
 * sent after the fault was over. All times are ms since the epoch, of one machine.
 */
export class Recovery {
  readonly #watched: ReadonlySet<string>;
  readonly #wounds = new Set<Wound>();
  readonly #healedMs = new Map<FaultKind, number[]>();

  /** @param watched reader and topic, as in `arrived` */
  constructor(watched: Iterable<string>) {
    this.#watched = new Set(watched);
  }

  struck(kind: FaultKind, sinceMs: number): void {
    this.#wounds.add({ kind, sinceMs, waiting: new Set(this.#watched) });
  }

  arrived(watched: string, sentAt: number, now = Date.now()): void {
    for (const wound of this.#wounds) {
      if (sentAt < wound.sinceMs) continue;
      wound.waiting.delete(watched);
      if (wound.waiting.size > 0) continue;
      this.#wounds.delete(wound);
      const times = this.#healedMs.get(wound.kind) ?? [];
      this.#healedMs.set(wound.kind, [...times, now - wound.sinceMs]);
    }
  }

  /** What has not healed yet, in words. */
  get open(): string[] {
    return [...this.#wounds].map(({ kind, waiting }) => `${kind}: ${[...waiting].join(", ")}`);
  }

  /** By kind of fault, in ms. */
  get times(): ReadonlyMap<FaultKind, readonly number[]> {
    return this.#healedMs;
  }
}
