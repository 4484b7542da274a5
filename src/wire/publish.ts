import { z } from "zod";
import { CONTROL_TYPES, EVENT_TYPE_PATTERN, NAME_PATTERN, USER_PATTERN } from "./grammar.ts";

/** An event as a publisher hands it in. */
export const eventSchema = z.strictObject({
  type: z
    .string()
    .regex(EVENT_TYPE_PATTERN, "must match [a-z][a-z0-9.-]{0,62}")
    .refine((type) => !(CONTROL_TYPES as readonly string[]).includes(type), {
      message: `is reserved (${CONTROL_TYPES.join(", ")} are the stream's own)`,
    }),
  data: z.json({ error: "must be a JSON value" }),
});

/** A Wukong's status: any JSON object with a phase. */
export const statusSchema = z.looseObject({ phase: z.string().min(1).max(64) });

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One line of a log. */
export const logLineSchema = z.strictObject({
  time: z.iso.datetime({ offset: true }).optional(),
  level: z.enum(LOG_LEVELS).optional(),
  source: z.string().max(128).optional(),
  message: z.string(),
  fields: z.record(z.string(), z.json()).optional(),
});
export type LogLine = z.infer<typeof logLineSchema>;

export const notificationSchema = z.strictObject({
  to: z.union(
    [
      z.literal("all"),
      z.strictObject({ user: z.string().regex(USER_PATTERN) }),
      z.strictObject({ channel: z.string().regex(NAME_PATTERN) }),
    ],
    { error: 'must be "all", {"user": …} or {"channel": …}' },
  ),
  title: z.string().min(1).max(256),
  body: z.string().max(16_384).optional(),
  level: z.enum(["info", "success", "warning", "error"]).optional(),
  data: z.json().optional(),
});
export type Notification = z.infer<typeof notificationSchema>;

/** The answer to a publish: the position of each event, in the order of the request. */
export interface Published {
  events: { id: string }[];
}

/** One line of the answer to a streamed ingest. */
export interface IngestProgress {
  /** How many lines of this body are in by now. */
  lines: number;
  /** The position of the newest. */
  id?: string;
  error?: { code: string; message: string; line?: number; retryable: boolean };
}
