const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const UNITS_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1_024,
  MiB: 1_024 ** 2,
  GiB: 1_024 ** 3,
};

/** `500` (ms), `15s`, `2m`, `24h`, `7d` → ms; undefined where it is none of these. */
export function tryDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(text);
  return match ? Number(match[1]) * UNITS_MS[match[2] ?? "ms"]! : undefined;
}

/** `1024`, `64KiB`, `1MiB` → bytes; undefined where it is none of these. */
export function trySize(text: string): number | undefined {
  const match = /^(\d{1,12})(B|KiB|MiB|GiB)?$/.exec(text);
  return match ? Number(match[1]) * UNITS_BYTES[match[2] ?? "B"]! : undefined;
}
