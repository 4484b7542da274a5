import type { Event } from "../log/event.ts";
import type { LogLevel } from "../wire/publish.ts";
import { logLineOf, severityOf } from "./log-line.ts";

export interface LogFilterOptions {
  /** This level or a more severe one. */
  readonly level?: LogLevel | undefined;
  /** Each must occur in the message. */
  readonly grep: readonly string[];
}

/** Undefined where everything passes, so that such readers share whole batches. */
export function createLogFilter({
  level,
  grep,
}: LogFilterOptions): ((event: Event) => boolean) | undefined {
  if (level === undefined && grep.length === 0) return undefined;
  const least = level === undefined ? 0 : severityOf(level);
  return (event) => {
    const line = logLineOf(event);
    return severityOf(line.level) >= least && grep.every((text) => line.message.includes(text));
  };
}
