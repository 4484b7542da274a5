/**
 * Where an event stands in its topic, and its id: `<ms>-<n>`. `n` is dense (1, 2, 3 …) within one incarnation of the
 * topic, `ms` is the log's clock and never runs backwards within one. Opaque to clients.
 */
export interface Position {
  /** Milliseconds since the epoch. */
  readonly ms: number;
  /** The number of the event within its incarnation, from 1. */
  readonly n: number;
}

/** Before the first event of whatever incarnation comes. */
export const ORIGIN: Position = Object.freeze({ ms: 0, n: 0 });

export function formatPosition(position: Position): string {
  return `${position.ms}-${position.n}`;
}

/** Undefined where the text is not `<ms>-<n>` in safe integers. */
export function tryPosition(text: string): Position | undefined {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text);
  return match ? { ms: Number(match[1]), n: Number(match[2]) } : undefined;
}

export function samePosition(a: Position, b: Position): boolean {
  return a.n === b.n && a.ms === b.ms;
}

/** Log order: negative when `a` stands before `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.ms - b.ms || a.n - b.n;
}

/**
 * The cursor from which `position` is the next event. No event need stand there: the log joins an absent anchor to the
 * entry of the same ms and the next number (see `joinAbsent`).
 */
export function justBefore(position: Position): Position {
  return { ms: position.ms, n: position.n - 1 };
}
