/**
 * Where an event stands: `<ms>-<n>`, as the wire says it. Clients take it for opaque; the judge does not, and reads it
 * with code of its own, because that of the service is what is judged.
 */
export interface Position {
  readonly ms: number;
  /** Dense within one incarnation of a topic, from 1. */
  readonly n: number;
}

/** @throws where the text is no position */
export function parsePosition(text: string): Position {
  const match = /^(\d+)-(\d+)$/.exec(text);
  if (!match) throw new Error(`not a position: ${text}`);
  return { ms: Number(match[1]), n: Number(match[2]) };
}

/** The positions in a wire cursor, in the sorted order of its topics. @throws where it is none */
export function parseCursor(text: string): string[] {
  const match = /^x[0-9a-z]+\.(\d+-\d+(?:,\d+-\d+)*)$/.exec(text);
  if (!match) throw new Error(`not a cursor: ${text}`);
  return match[1]!.split(",");
}

/** Where a reader stands that is about to be given the event at `id`. */
export function justBefore(id: string): string {
  const { ms, n } = parsePosition(id);
  return `${ms}-${n - 1}`;
}

/** Log order within one incarnation: negative when `a` stands before `b`. */
export function comparePositions(a: string, b: string): number {
  const [left, right] = [parsePosition(a), parsePosition(b)];
  return left.ms - right.ms || left.n - right.n;
}
