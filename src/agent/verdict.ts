import { z } from "zod";
import { tryRetryAfter } from "./retry.ts";

/** What an answer means for what was sent. */
export type Verdict = { readonly kind: "accepted" } | Retry | Refusal;

export interface Retry {
  readonly kind: "retry";
  readonly why: string;
  readonly afterMs?: number | undefined;
}

export interface Refusal {
  readonly kind: "refused";
  readonly why: string;
  /** False where a gateway may have said it, or the body was cut on its way: worth a few more tries. */
  readonly certain: boolean;
  /** How many lines of the batch are in nevertheless. */
  readonly lines: number;
  /** The line at fault, counted from 1. */
  readonly line: number | undefined;
}

/** An answer that has arrived whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const ACCEPTED: Verdict = { kind: "accepted" };
const RETRYABLE = new Set([408, 425, 429]);

const trouble = z.object({
  code: z.string(),
  retryable: z.boolean(),
  line: z.int().positive().optional(),
});
const problemSchema = trouble.extend({
  detail: z.string(),
  lines: z.int().nonnegative().optional(),
});
const progressSchema = z.object({
  lines: z.int().nonnegative(),
  error: trouble.extend({ message: z.string() }).optional(),
});

/** The verdict on a publish: accepted or not, nothing between. */
export function judgePublish(answer: Answer): Verdict {
  return answer.status === 201 ? ACCEPTED : judgeFailure(answer);
}

/**
 * The verdict on a batch of so many lines. A 201 alone says little: only the last line of the answer tells how many went
 * in. One that counts too few has been cut on its way.
 */
export function judgeIngest(answer: Answer, lines: number): Verdict {
  if (answer.status !== 201) return judgeFailure(answer);
  const last = tryJson(answer.text.trimEnd().split("\n").at(-1)!);
  const { data: progress } = progressSchema.safeParse(last);
  if (progress?.error) {
    const { message, ...error } = progress.error;
    return judgeTrouble({ ...error, detail: message, lines: progress.lines });
  }
  if (progress && progress.lines >= lines) return ACCEPTED;
  return { kind: "retry", why: "the answer broke off" };
}

function judgeFailure({ status, headers, text }: Answer): Verdict {
  const { data: problem } = problemSchema.safeParse(tryJson(text));
  const location = headers.get("location");
  const why =
    problem?.detail ?? `it answered ${status}${location === null ? "" : ` to ${location}`}`;
  if (RETRYABLE.has(status) || status >= 500 || status < 300)
    return { kind: "retry", why, afterMs: tryRetryAfter(headers.get("retry-after"), Date.now()) };
  if (problem) return judgeTrouble(problem);
  return { kind: "refused", why, certain: false, lines: 0, line: undefined };
}

function judgeTrouble({ code, retryable, detail, lines, line }: z.infer<typeof problemSchema>) {
  if (retryable) return { kind: "retry", why: detail } as const;
  // Our bodies are what the server asks for, unless the network between has cut one short.
  const certain = code !== "invalid-body";
  return { kind: "refused", why: detail, certain, lines: lines ?? 0, line } as const;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
