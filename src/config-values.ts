import { z } from "zod";
import { tryTrustedProxies } from "./addresses/trusted-proxies.ts";
import type { Retention } from "./log/retention.ts";
import { REDIS_URL_FORMS, tryRedisEndpoint } from "./redis/redis-endpoint.ts";
import { tryDuration, trySize } from "./wire/units.ts";

/** What an environment variable may hold, and what is said of one that holds something else. */
function parsed<T>(parse: (text: string) => T | undefined, expected: string) {
  return z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({
      code: "custom",
      message: `expected ${expected}, not ${JSON.stringify(text)}`,
    });
    return z.NEVER;
  });
}

/** Like `parsed`, for what may hold a password: the text is not repeated. */
function secret<T>(parse: (text: string) => T | undefined, expected: string) {
  return z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: `expected ${expected}` });
    return z.NEVER;
  });
}

/** Files, of which secrets are made, end in a newline that is not part of them. */
export const password = z.string().transform((text) => text.replace(/\r?\n$/, ""));

export const duration = parsed(tryDuration, "a duration like 500, 15s or 2m");
function durationFrom(minMs: number, maxMs: number, expected: string) {
  const inRange = (text: string): number | undefined => {
    const ms = tryDuration(text);
    return ms !== undefined && ms >= minMs && ms <= maxMs ? ms : undefined;
  };
  return parsed(inRange, expected);
}

/** What a timer can wait: from 1 ms to 24 days, beyond which Node's timers fire at once. */
export const timer = durationFrom(
  1,
  2_073_600_000,
  "a duration from 1ms to 24d, like 500, 15s or 2m",
);
/** Beyond it, `fetch` gives a silent server up by itself. */
export const patience = durationFrom(1, 300_000, "a duration from 1ms to 5m, like 500, 15s or 2m");
/** Shorter, and a busy moment would pass for a death. */
export const lease = durationFrom(1_000, 3_600_000, "a duration from 1s to 60m, like 10s");
export const size = parsed(trySize, "a size like 1024, 64KiB or 1MiB");

export function whole(min: number, max: number) {
  const inRange = (text: string) =>
    /^\d{1,10}$/.test(text) && +text >= min && +text <= max ? +text : undefined;
  return parsed(inRange, `a whole number from ${min} to ${max}`);
}

export const origins = parsed((text) => {
  const list = text.split(",").map((origin) => origin.trim());
  const valid = (origin: string) =>
    origin === "*" || (URL.canParse(origin) && new URL(origin).origin === origin);
  return list.every(valid) ? list : undefined;
}, "origins like https://app.example.com, separated by commas");

export const proxies = parsed(
  tryTrustedProxies,
  "addresses and networks like 10.1.2.3, 10.0.0.0/8 or fd00::/8, loopback or private, separated by commas",
);

export const redisUrl = secret(tryRedisEndpoint, REDIS_URL_FORMS);

export const retention = parsed((text): Retention | undefined => {
  const [count = "", idle = "", ...rest] = text.split(",").map((part) => part.trim());
  const idleMs = tryDuration(idle);
  if (!/^\d{1,9}$/.test(count) || idleMs === undefined || rest.length > 0) return undefined;
  return { count: Number(count), idleMs };
}, "count,idle like 10000,24h (0 = no limit)");
