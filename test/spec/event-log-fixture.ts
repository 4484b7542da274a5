import type { Event, EventDraft } from "../../src/log/event.ts";
import type { EventLog } from "../../src/log/event-log.ts";

export interface EventLogFixture extends AsyncDisposable {
  readonly log: EventLog;
  /** Forgets everything, as FLUSHALL does: no doorbell rings. */
  flush(): Promise<void>;
}

export const LIMIT = { events: 1_000, bytes: 1_000_000 };
export const draft = (text: string): EventDraft => ({ type: "log", data: JSON.stringify(text) });
export const drafts = (...texts: string[]): EventDraft[] => texts.map(draft);
export const texts = (events: readonly Event[]): unknown[] =>
  events.map(({ data }) => JSON.parse(data) as unknown);
