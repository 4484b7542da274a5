import { createEvent, type EventDraft } from "./event.ts";
import type { Doorbell } from "./event-log.ts";
import type { Topic } from "./topic.ts";

/** Above this many bytes a doorbell rings without its events: a large backlog makes Redis cut the subscriber. */
const INLINE_BYTES = 16 * 1024;

/** The drafts as the append script passes them on, each `type length LF data`; empty where they are too large. */
export function packDrafts(drafts: readonly EventDraft[]): string {
  let packed = "";
  for (const { type, data } of drafts) {
    packed += `${type} ${data.length}\n${data}`;
    if (packed.length > INLINE_BYTES) return "";
  }
  return Buffer.byteLength(packed) > INLINE_BYTES ? "" : packed;
}

/** Reads what append.lua and delete.lua publish. What cannot be read is `unsure`, which heals. */
export function parseDoorbell(topic: Topic, message: string): Doorbell {
  if (message === "D") return { kind: "deleted" };
  const head = /^E(\d+) (\d+) (\d+) (\d+) ([01])\n/.exec(message);
  if (!head) return { kind: "unsure", cause: "large" };
  const [ms, firstN, beforeMs, born] = head.slice(1, 5).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const drafts: EventDraft[] = [];
  for (let at = head[0].length; at < message.length;) {
    const space = message.indexOf(" ", at);
    const line = message.indexOf("\n", space);
    const end = line + 1 + Number(message.slice(space + 1, line));
    if (space < 0 || line < 0 || !(end <= message.length))
      return { kind: "unsure", cause: "large" };
    drafts.push({ type: message.slice(at, space), data: message.slice(line + 1, end) });
    at = end;
  }
  const closes = head[5] === "1";
  const events = drafts.map((draft, index) =>
    createEvent(
      topic,
      { ms, n: firstN + index },
      born,
      draft,
      closes && index === drafts.length - 1,
    ),
  );
  return { kind: "events", events, after: { ms: beforeMs, n: firstN - 1 } };
}
