import type { ChatCommand } from "../chat/chat-command.ts";
import type { Started } from "../chat/chat-service.ts";
import { type AnswerServices, answerHeaders } from "./answer-stream.ts";
import type { AppContext } from "./request.ts";

/** Whether the client would rather be told where its answer will be than wait for it (RFC 7240 §4.1). */
export function prefersAsync(c: AppContext): boolean {
  const preferences = c.req.header("prefer")?.split(",") ?? [];
  return preferences.some((each) => /^\s*respond-async\s*(;|$)/i.test(each));
}

/** Nobody reads such an answer yet, and perhaps nobody will before it is whole: so it is never abandoned. */
export function unabandoned(command: ChatCommand): ChatCommand {
  return { ...command, abandonAfterMs: Number.POSITIVE_INFINITY };
}

/** Says where the answer is, and how it stands. @param base of the path at which it can be read, without its id */
export async function answerAccepted(
  c: AppContext,
  { archive }: AnswerServices,
  { generation, attached }: Started,
  { principal, base }: { readonly principal: string; readonly base: string },
): Promise<Response> {
  const { state } = attached ? await archive.snapshot(generation, principal) : { state: "running" };
  const document = { generation, streamUrl: `${base}/${generation}/stream`, state };
  return c.json(document, 202, {
    ...answerHeaders(generation),
    location: `/api/v1/ai/chat/${generation}`,
    "preference-applied": "respond-async",
  });
}
