import type { LogLevel } from "../wire/publish.ts";

/** What loggers call their levels, in lower case. */
const WORDS: Readonly<Record<string, LogLevel>> = {
  trace: "trace",
  verbose: "trace",
  silly: "trace",
  debug: "debug",
  dbg: "debug",
  info: "info",
  inf: "info",
  information: "info",
  informational: "info",
  notice: "info",
  log: "info",
  warn: "warn",
  warning: "warn",
  wrn: "warn",
  error: "error",
  err: "error",
  severe: "error",
  fatal: "fatal",
  critical: "fatal",
  crit: "fatal",
  alert: "fatal",
  emerg: "fatal",
  emergency: "fatal",
  panic: "fatal",
  dpanic: "fatal",
};

/** RFC 5424 §6.2.1, 0 to 7. */
const SYSLOG: readonly LogLevel[] = [
  "fatal",
  "fatal",
  "fatal",
  "error",
  "warn",
  "info",
  "info",
  "debug",
];
/** The first letter of a line of klog and glog. */
const KLOG: Readonly<Record<string, LogLevel>> = {
  I: "info",
  W: "warn",
  E: "error",
  F: "fatal",
};
/** pino's and bunyan's; what lies between two counts as the lower one. */
const NUMBERS: readonly (readonly [from: number, level: LogLevel])[] = [
  [60, "fatal"],
  [50, "error"],
  [40, "warn"],
  [30, "info"],
  [20, "debug"],
  [8, "trace"],
];

/** A level stands at a line's start, or nowhere; and what is matched is bounded. */
const LOOK_AT_CHARS = 256;
/** A date, a time, or both, as most loggers write them, in brackets or not. */
const TIME = String.raw`(?:\[?\d[\d\-/:.,TZ+ ]{6,40}(?:UTC|GMT)?\]?[\s|-]*)?`;
/** What python's loggers put before the level, and java's thread or a process number in brackets. */
const NAME = String.raw`(?:[\w.]{1,64}\s+-\s+|\[[^\]]{1,64}\]\s+)?`;
const SYSLOG_PATTERN = /^<(\d{1,3})>/;
const KLOG_PATTERN = /^([IWEF])\d{4} \d\d:\d\d:\d\d/;
const LOGFMT_PATTERN = /^(?:\w+=.*?\s)?(?:level|lvl|severity)="?([A-Za-z]+)"?(?=\s|$)/;
const BRACKETED_PATTERN = new RegExp(String.raw`^${TIME}[[(<]\s*([A-Za-z]+)\s*[\])>]`);
/** In capitals a word of its own is a level. */
const CAPITALS_PATTERN = new RegExp(String.raw`^${TIME}${NAME}([A-Z]+)(?=[\s:|\]-]|$)`);
/** In other letters it is one only before a colon: "Error: …", "warning: …"; "Info about …" is a sentence. */
const COLON_PATTERN = new RegExp(String.raw`^${TIME}([A-Za-z]+):`);

/** What a logger's word or number means; undefined where it is none that we know. */
export function tryLevel(value: unknown): LogLevel | undefined {
  if (typeof value === "string") {
    const number = /^\d{1,3}$/.test(value) ? Number(value) : undefined;
    return number === undefined ? wordLevel(value) : tryLevel(number);
  }
  if (typeof value !== "number") return undefined;
  // GELF and journald write syslog's numbers, and no other logger writes such small ones.
  if (Number.isInteger(value) && value >= 0 && value < SYSLOG.length) return SYSLOG[value];
  return NUMBERS.find(([from]) => value >= from)?.[1];
}

/** The level that a line of plain text begins with; undefined where it does not. */
export function tryTextLevel(text: string): LogLevel | undefined {
  const start = text.length > LOOK_AT_CHARS ? text.slice(0, LOOK_AT_CHARS) : text;
  const priority = SYSLOG_PATTERN.exec(start);
  if (priority) return SYSLOG[Number(priority[1]) % SYSLOG.length];
  const klog = KLOG_PATTERN.exec(start);
  if (klog) return KLOG[klog[1]!];
  for (const pattern of [CAPITALS_PATTERN, BRACKETED_PATTERN, COLON_PATTERN, LOGFMT_PATTERN]) {
    const word = pattern.exec(start)?.[1];
    const level = word === undefined ? undefined : wordLevel(word);
    if (level) return level;
  }
  return undefined;
}

function wordLevel(word: string): LogLevel | undefined {
  const lower = word.toLowerCase();
  return Object.hasOwn(WORDS, lower) ? WORDS[lower] : undefined;
}
