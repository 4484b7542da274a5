import type { GapReason } from "../log/event-log.ts";
import type { Position } from "../log/position.ts";

/** What stands in the place of events that cannot be had. */
export interface GapNotice {
  /** The last position held; undefined where the cursor could not be read. */
  readonly from: Position | undefined;
  /** The first position delivered after it; undefined where there is none yet. */
  readonly to: Position | undefined;
  /** Exact, or null where nobody can know. */
  readonly missed: number | null;
  readonly reason: GapReason;
}

/** What a reader who had fallen behind has been spared: the events between two positions, neither of them included. */
export interface DroppedNotice {
  readonly from: Position;
  readonly to: Position;
  /** Of all of them, whether or not a filter wants them. */
  readonly count: number;
}
