import { z } from "zod";
import { LOG_LEVELS } from "./publish.ts";
import { tryDuration } from "./units.ts";

/** RFC 3339, epoch ms, or an age such as `90s`, `15m`, `2h`; → ms since the epoch. */
export function tryMoment(text: string, now: number): number | undefined {
  if (/^\d{11,15}$/.test(text)) return Number(text);
  const age = /^\d+(ms|s|m|h|d)$/.test(text) ? tryDuration(text) : undefined;
  if (age !== undefined) return Math.max(0, now - age);
  const timestamp = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  return Number.isNaN(timestamp) ? undefined : Math.max(0, timestamp);
}

const moment = z.string().transform((text, context) => {
  const ms = tryMoment(text, Date.now());
  if (ms !== undefined) return ms;
  context.addIssue({
    code: "custom",
    message: "must be an RFC 3339 time, epoch ms, or an age like 90s, 15m, 2h",
  });
  return z.NEVER;
});

const flag = z.enum(["true", "false"]).transform((text) => text === "true");

/** What an upload of logs takes. */
export const ingestQuerySchema = z.strictObject({
  progress: flag.default(false),
  user: z.string().optional(),
});

const WAIT_MAX_MS = 60_000;

const wait = z.string().transform((text, context) => {
  const ms = text === "0" ? 0 : /[a-z]$/.test(text) ? tryDuration(text) : undefined;
  if (ms !== undefined && ms <= WAIT_MAX_MS) return ms;
  context.addIssue({ code: "custom", message: "must be 0 or a duration like 30s, at most 60s" });
  return z.NEVER;
});

const limit = z
  .string()
  .regex(/^([1-9]\d{0,2}|1000)$/, "must be a whole number from 1 to 1000")
  .transform(Number);

/** What a cursor may be called in a query: polyfills of EventSource have names of their own. */
export const CURSOR_PARAMETERS = ["last_event_id", "lastEventId", "evs_last_event_id"] as const;

/** What every topic stream takes. A parameter that is not known is refused: a typing error must not widen a stream. */
export const streamQuerySchema = z.strictObject({
  format: z.enum(["sse", "ndjson", "text", "json"]).optional(),
  from: z.enum(["earliest", "latest"]).optional(),
  tail: z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number, 0 or more")
    .transform(Number)
    .optional(),
  since: moment.optional(),
  until: moment.optional(),
  before: z.string().optional(),
  follow: flag.optional(),
  wait: wait.optional(),
  limit: limit.optional(),
  last_event_id: z.string().optional(),
  lastEventId: z.string().optional(),
  evs_last_event_id: z.string().optional(),
  user: z.string().optional(),
  /** What caches are got round with, and what a polyfill asks for: of no meaning here. */
  _: z.string().optional(),
  evs_preamble: z.string().optional(),
});

const texts = z.array(z.string().min(1).max(256)).max(16).default([]);

/** What log streams take beside it. */
export const logQuerySchema = streamQuerySchema.extend({
  level: z.enum(LOG_LEVELS).optional(),
  source: z.string().min(1).max(128).optional(),
  grep: texts,
  not: texts,
  regex: z.string().min(1).max(256).optional(),
  overflow: z.enum(["lag", "drop"]).optional(),
});

export type StreamQuery = z.infer<typeof streamQuerySchema>;
export type LogQuery = z.infer<typeof logQuerySchema>;
