import { NAME_PATTERN } from "../wire/grammar.ts";
import { tryDuration, trySize } from "../wire/units.ts";

const COUNT_MAX = 1_000_000;

/** The command line is not what it should be; the message is one line for the person who typed it. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Bounds as they are written, so that a message can show them. */
export interface Bounds {
  readonly min: string;
  readonly max: string;
  /** Nothing at all is allowed too. */
  readonly zero?: boolean;
}

export function parseName(name: string | undefined): string {
  if (name === undefined) throw new UsageError("--name is missing: which Wukong is this?");
  if (NAME_PATTERN.test(name)) return name;
  const grammar = "lower-case letters, digits, dots, dashes and underscores, at most 63";
  throw new UsageError(`--name must be ${grammar}, not ${shown(name)}`);
}

/** @returns it without a slash at its end */
export function parseServer(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${from} must be a URL like http://127.0.0.1:8080, not ${shown(text)}`);
  // Fetch refuses credentials in a URL, on every attempt; a query would swallow the path that is put after it.
  if (url.username || url.password || url.search || url.hash)
    throw new UsageError(`${from} must be a URL without user, query and fragment`);
  return url.href.replace(/\/+$/, "");
}

export function parseSize(text: string, flag: string, bounds: Bounds): number {
  return parseBounded(text, flag, bounds, "a size", trySize);
}

/** @returns milliseconds */
export function parseDuration(text: string, flag: string, bounds: Bounds): number {
  return parseBounded(text, flag, bounds, "a duration", tryDuration);
}

export function parseCount(text: string, flag: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= COUNT_MAX) return count;
  throw new UsageError(`${flag} must be a number from 0 to ${COUNT_MAX}, not ${shown(text)}`);
}

export function parseChoice<T extends string>(
  text: string,
  flag: string,
  choices: readonly T[],
): T {
  const choice = choices.find((choice) => choice === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`${flag} must be ${choices.join(" or ")}, not ${shown(text)}`);
}

export function shown(text: string): string {
  return JSON.stringify(text);
}

function parseBounded(
  text: string,
  flag: string,
  { min, max, zero }: Bounds,
  what: string,
  read: (text: string) => number | undefined,
): number {
  const value = read(text);
  if (value !== undefined && value >= read(min)! && value <= read(max)!) return value;
  if (zero && value === 0) return value;
  const range = `${what} from ${min} to ${max}${zero ? ", or 0" : ""}`;
  throw new UsageError(`${flag} must be ${range}, not ${shown(text)}`);
}
