import { encodeEntry, type LogEntry } from "./log-entry.ts";

/** What the agent's own lines name as their source, and no program's line can. */
export const AGENT_SOURCE = "agent";

const REASONS = {
  overflow: "the agent's spool was full while the server was away",
  refused: "the server refused them",
  torn: "the agent was stopped while it wrote them to its spool",
  unreadable: "the agent's spool could not be read back",
} as const;
export type MissingReason = keyof typeof REASONS;

/** Lines that were read and will never arrive. */
export interface MissingLines {
  readonly reason: MissingReason;
  /** null where nobody can know: what was torn was never counted. */
  readonly dropped: number | null;
  /** As they would have been sent. */
  readonly bytes: number;
  /** The times of the first and the last of them, where they are known. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** The entry that stands where lines are missing, so that a reader of the log knows. */
export function missingEntry(missing: MissingLines, time: string): LogEntry {
  const { reason, dropped, bytes, from, to } = missing;
  const lines = dropped === 1 ? "1 line is" : `${dropped ?? "some"} lines are`;
  return encodeEntry({
    time,
    level: "warn",
    source: AGENT_SOURCE,
    message: `${lines} missing here: ${REASONS[reason]}`,
    fields: {
      dropped,
      bytes,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      reason,
    },
  });
}

/** What two words say together; undefined where their reasons differ, since one word names one reason. */
export function tryMerge(first: MissingLines, second: MissingLines): MissingLines | undefined {
  if (first.reason !== second.reason) return undefined;
  const known = first.dropped !== null && second.dropped !== null;
  return {
    reason: first.reason,
    dropped: known ? first.dropped + second.dropped : null,
    bytes: first.bytes + second.bytes,
    from: first.from ?? second.from,
    to: second.to ?? first.to,
  };
}

/** Whether a line of a batch is the agent's own word and not the program's. */
export function isOwnWord(json: string): boolean {
  return (JSON.parse(json) as { source?: string }).source === AGENT_SOURCE;
}
