/** Thrown with what is wrong with the command line. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** What `parse` makes of a command line. @throws UsageError in place of whatever it throws */
export function orUsageError<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** A number of so many digits at most, from 1 on. @throws UsageError */
export function whole(option: string, text: string, digits: number): number {
  if (/^[1-9]\d*$/.test(text) && text.length <= digits) return Number(text);
  throw new UsageError(
    `--${option} must be a whole number from 1 to ${"9".repeat(digits)}, not ${text}`,
  );
}

/** @param others that are understood beside `all`, and dealt with elsewhere. @throws UsageError */
export function oneOf<T extends string>(
  option: string,
  value: string,
  all: readonly T[],
  others: readonly string[] = [],
): T {
  if (all.includes(value as T)) return value as T;
  throw new UsageError(
    `--${option} must be one of ${[...all, ...others].join(", ")}, not ${value}`,
  );
}
