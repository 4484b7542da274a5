import type { LogLevel, LogLine } from "../wire/publish.ts";
import { isDeeper, JSON_MAX_DEPTH } from "../wire/depth.ts";
import { tryLevel } from "./level.ts";

/** Where loggers put things: pino, bunyan, winston, zap, slog, logrus, zerolog, structlog, ECS, GELF, Cloud Logging. */
const MESSAGE_KEYS = ["msg", "message", "short_message"] as const;
const LEVEL_KEYS = ["level", "severity", "lvl", "log.level"] as const;
const TIME_KEYS = ["time", "timestamp", "ts", "@timestamp"] as const;

/** Epoch seconds until the year 5138, beyond it milliseconds; then micro- and nanoseconds. */
const SECONDS_BELOW = 1e11;
const MS_BELOW = 1e14;
const MICROSECONDS_BELOW = 1e17;
const RFC3339_PATTERN = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/;

/** What a logger's line says; what is undefined it does not say. */
export interface JsonLine {
  readonly message: string;
  readonly level: LogLevel | undefined;
  readonly time: string | undefined;
  readonly fields: LogLine["fields"];
}

/** Of a line, whose members become those of `fields`, one level below. */
const LINE_MAX_DEPTH = JSON_MAX_DEPTH - 1;

/**
 * A line that a logger has written as a JSON object with a message, and a level or a time; undefined of any other, and of
 * one that the server would refuse.
 */
export function tryJsonLine(text: string): JsonLine | undefined {
  if (!text.startsWith("{") || !text.endsWith("}")) return undefined;
  const document = tryObject(text);
  if (!document || isDeeper(document, LINE_MAX_DEPTH)) return undefined;
  const message = pick(document, MESSAGE_KEYS, (value) =>
    typeof value === "string" ? value : undefined,
  );
  const level = pick(document, LEVEL_KEYS, tryLevel);
  const time = pick(document, TIME_KEYS, tryTime);
  if (!message || (!level && !time)) return undefined;
  const taken = new Set([message.key, level?.key, time?.key]);
  const rest = Object.entries(document).filter(([key]) => !taken.has(key));
  return {
    message: message.value,
    level: level?.value,
    time: time?.value,
    fields: rest.length > 0 ? (Object.fromEntries(rest) as LogLine["fields"]) : undefined,
  };
}

/** RFC 3339 in UTC, to the millisecond. */
function tryTime(value: unknown): string | undefined {
  const ms =
    typeof value === "number"
      ? epochMs(value)
      : typeof value === "string" && RFC3339_PATTERN.test(value)
        ? Date.parse(value)
        : Number.NaN;
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  // Of a clock that was never set, or no time at all: the line's own words still hold it.
  return year >= 2000 && year <= 9999 ? date.toISOString() : undefined;
}

function epochMs(value: number): number {
  if (value < SECONDS_BELOW) return value * 1e3;
  if (value < MS_BELOW) return value;
  return value < MICROSECONDS_BELOW ? value / 1e3 : value / 1e6;
}

function pick<T>(
  document: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  read: (value: unknown) => T | undefined,
): { key: string; value: T } | undefined {
  for (const key of keys) {
    if (!Object.hasOwn(document, key)) continue;
    const value = read(document[key]);
    if (value !== undefined) return { key, value };
  }
  return undefined;
}

function tryObject(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
