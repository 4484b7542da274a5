import type { z } from "zod";

interface Found {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Where in the document the first problem is, as `messages.0.content`; "" = at its root. */
export function issueField(error: z.ZodError): string {
  return firstOf(error).path.map(String).join(".");
}

/** The first problem, with its place: one at a time is what a person mends. */
export function describeIssue(error: z.ZodError): string {
  const { path, message } = firstOf(error);
  return path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`;
}

function firstOf(error: z.ZodError): Found {
  return placeOf(error.issues[0]!);
}

/** Of alternatives, what is wrong with the one that got furthest: who sends a list of parts has meant that. */
function placeOf(issue: z.core.$ZodIssue): Found {
  const { path, message } = issue;
  if (issue.code === "unrecognized_keys") return { path: [...path, issue.keys[0]!], message };
  if (issue.code !== "invalid_union") return { path, message };
  const inner = issue.errors
    .flatMap(([first]) => (first ? [placeOf(first)] : []))
    .reduce<Found>((a, b) => (b.path.length > a.path.length ? b : a), { path: [], message });
  return { path: [...path, ...inner.path], message: inner.message };
}
