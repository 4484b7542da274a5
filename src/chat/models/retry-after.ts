/** A longer wait is as good as "not today". */
const MAX_MS = 86_400_000;

/**
 * How long a provider asks to wait: `retry-after-ms`, or `retry-after` in seconds or as an HTTP date (RFC 9110 §10.2.3).
 * @param headers with names in lower case @param now in ms since the epoch @returns ms, or undefined where it does not say
 */
export function retryAfterMsOf(
  headers: Readonly<Record<string, string | undefined>>,
  now: number,
): number | undefined {
  const exact = headers["retry-after-ms"]?.trim();
  if (exact && isNumber(exact)) return bounded(Number(exact));
  const after = headers["retry-after"]?.trim();
  if (!after) return undefined;
  if (isNumber(after)) return bounded(Number(after) * 1_000);
  const at = /^[A-Z][a-z]{2,8}, /.test(after) ? Date.parse(after) : Number.NaN;
  return Number.isNaN(at) ? undefined : bounded(at - now);
}

function isNumber(text: string): boolean {
  return /^\d{1,12}(\.\d{1,9})?$/.test(text);
}

function bounded(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms), 0), MAX_MS);
}
