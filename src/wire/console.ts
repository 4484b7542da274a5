import { z } from "zod";
import { describeIssue } from "./issue.ts";

/** Chosen by the client; its answer carries the same. */
const id = z.string().min(1).max(128);

/** A request on the console. */
export const consoleRequestSchema = z.discriminatedUnion(
  "type",
  [z.strictObject({ type: z.literal("ping"), id })],
  {
    error: "must be one of: ping",
  },
);
export type ConsoleRequest = z.infer<typeof consoleRequestSchema>;

/** A message's request, or what is wrong with it, and its id where it has one. */
export function parseConsoleMessage(
  text: string,
): ConsoleRequest | { problem: string; id?: string } {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { problem: "The message is not JSON." };
  }
  const result = consoleRequestSchema.safeParse(document);
  if (result.success) return result.data;
  const shown = id.safeParse((document as { id?: unknown } | null)?.id);
  return {
    problem: `${describeIssue(result.error)}.`,
    ...(shown.success ? { id: shown.data } : {}),
  };
}
