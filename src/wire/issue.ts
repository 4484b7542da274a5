import type { z } from "zod";

/** Where in the document the first problem is, as `messages.0.content`; "" = at its root. */
export function issueField(error: z.ZodError): string {
  const issue = error.issues[0]!;
  const extra = issue.code === "unrecognized_keys" ? [issue.keys[0]!] : [];
  return [...issue.path, ...extra].map(String).join(".");
}

/** The first problem, with its place: one at a time is what a person mends. */
export function describeIssue(error: z.ZodError): string {
  const field = issueField(error);
  const { message } = error.issues[0]!;
  return field === "" ? message : `${field}: ${message}`;
}
