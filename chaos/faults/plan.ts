import type { Random } from "../random.ts";
import { FAULT_KINDS, type FaultKind } from "./kinds.ts";

export interface PlannedFault {
  /** After the start of the run, ms. */
  readonly atMs: number;
  readonly kind: FaultKind;
  readonly durationMs: number;
  /** Which of several is struck: index modulo their number. */
  readonly target: number;
}

const PAUSE_MIN_MS = 300;
const PAUSE_MAX_MS = 3_000;
/** The start is left alone, so that there is something to lose. */
const LEAD_MS = 1_000;

/**
 * What will befall a run, from its seed alone. Kinds come in shuffled rounds, so that a short run meets many of them
 * and a long one meets each in many orders.
 */
export function planFaults(
  random: Random,
  kinds: readonly FaultKind[],
  durationMs: number,
): PlannedFault[] {
  const plan: PlannedFault[] = [];
  let bag: FaultKind[] = [];
  for (let atMs = LEAD_MS; atMs < durationMs && kinds.length > 0;) {
    if (bag.length === 0) bag = random.shuffle(kinds);
    const kind = bag.pop()!;
    const [min, max] = FAULT_KINDS[kind].durationMs;
    const lasts = random.whole(min, max);
    plan.push({ atMs, kind, durationMs: lasts, target: random.whole(0, 999) });
    atMs += lasts + random.whole(PAUSE_MIN_MS, PAUSE_MAX_MS);
  }
  return plan;
}
