import type { Event } from "../log/event.ts";
import type { LogLevel } from "../wire/publish.ts";
import { logLineOf, severityOf } from "./log-line.ts";
import { createMessagePattern } from "./message-pattern.ts";

export interface LogFilterOptions {
  /** This level or a more severe one. */
  readonly level?: LogLevel | undefined;
  /** Exactly this one. */
  readonly source?: string | undefined;
  /** Each must occur in the message. */
  readonly grep: readonly string[];
  /** None may occur in the message. */
  readonly not: readonly string[];
  /** RE2; must match somewhere in the message. */
  readonly regex?: string | undefined;
}

/** Undefined where everything passes, so that such readers share whole batches. @throws ServiceError for a bad regex */
export function createLogFilter(
  options: LogFilterOptions,
): ((event: Event) => boolean) | undefined {
  const { level, source, grep, not, regex } = options;
  const matches = regex === undefined ? undefined : createMessagePattern(regex);
  const all = level === undefined && source === undefined && grep.length === 0 && not.length === 0;
  if (all && !matches) return undefined;
  const least = level === undefined ? 0 : severityOf(level);
  // The dearest test last.
  return (event) => {
    const line = logLineOf(event);
    const { message } = line;
    return (
      severityOf(line.level) >= least &&
      (source === undefined || line.source === source) &&
      grep.every((text) => message.includes(text)) &&
      !not.some((text) => message.includes(text)) &&
      (!matches || matches(message))
    );
  };
}
