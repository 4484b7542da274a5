import type { Event, EventDraft } from "../log/event.ts";
import { EventMemo } from "../log/event-memo.ts";
import { LOG_LEVELS, type LogLevel, type LogLine, logLineSchema } from "../wire/publish.ts";
import { tryDepthProblem } from "../wire/depth.ts";
import { describeIssue } from "../wire/issue.ts";

export const LOG_EVENT_TYPE = "log";

/** One line of NDJSON → a log line, or what is wrong with it. */
export function parseLogLine(text: string): LogLine | { problem: string } {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { problem: "is not JSON" };
  }
  const deep = tryDepthProblem(document);
  if (deep) return deep;
  const result = logLineSchema.safeParse(document);
  return result.success ? result.data : { problem: describeIssue(result.error) };
}

export function logDraft(line: LogLine): EventDraft {
  return { type: LOG_EVENT_TYPE, data: JSON.stringify(line) };
}

const lines = new EventMemo(({ data }) => JSON.parse(data) as LogLine);

/** The line in a log event; parsed once, whatever the number of readers who filter. */
export function logLineOf(event: Event): LogLine {
  return lines.of(event);
}

/** 0 (trace) to 5 (fatal); a line without a level counts as info. */
export function severityOf(level: LogLevel | undefined): number {
  return LOG_LEVELS.indexOf(level ?? "info");
}
