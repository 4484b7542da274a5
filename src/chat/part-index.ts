import { ServiceError } from "../errors.ts";
import type { EventLog } from "../log/event-log.ts";
import { justBefore, ORIGIN, type Position } from "../log/position.ts";
import type { Topic } from "../log/topic.ts";
import { uiChunkOf } from "./projections/ui-message.ts";

const PAGE = { events: 512, bytes: 262_144 };
/** As far as parts are counted: each time one asks, all before it are read again. */
const PAGES_MAX = 256;

export interface PartLocation {
  /** The next part stands after it. */
  readonly after: Position;
  /** The index of the last part that is there; undefined where it was not looked for. */
  readonly tailIndex: number | undefined;
}

/**
 * Where a client stands that counts the parts it has received, in place of showing a cursor.
 *
 * A closed answer gives at least its last part: a client that believes in nothing else would come back for ever.
 * @param startIndex negative = so many before the end
 * @param pagesMax of the log that are read for it
 * @throws ServiceError `invalid-parameter` where that is not enough: a cursor costs nothing
 */
export async function locatePart(
  log: EventLog,
  topic: Topic,
  startIndex: number,
  pagesMax = PAGES_MAX,
): Promise<PartLocation> {
  /** Where each part stands; what is before `startIndex` has to be counted, since not every event is a part. */
  const parts: Position[] = [];
  const enough = (): boolean => startIndex >= 0 && parts.length > startIndex;
  let closed = false;
  let pages = 0;
  for (let after: Position | "earliest" = "earliest"; !enough();) {
    if (++pages > pagesMax) {
      const detail = "startIndex: the answer is too long to count its parts; show Last-Event-ID.";
      throw new ServiceError("invalid-parameter", detail, { field: "startIndex" });
    }
    const { events, more } = await log.read(topic, after, PAGE);
    for (const event of events) {
      if (uiChunkOf(event)) parts.push(event.position);
      closed ||= event.last;
    }
    if (!more || events.length === 0) break;
    after = events.at(-1)!.position;
  }
  const index = startIndex < 0 ? Math.max(0, parts.length + startIndex) : startIndex;
  const reachable = closed ? Math.min(index, parts.length - 1) : index;
  const next = parts[reachable];
  return {
    after: next ? justBefore(next) : (parts.at(-1) ?? ORIGIN),
    tailIndex: startIndex < 0 ? parts.length - 1 : undefined,
  };
}
