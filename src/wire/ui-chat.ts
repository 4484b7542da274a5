import { z } from "zod";
import { chatIdSchema } from "./chat.ts";

const part = z.looseObject({ type: z.string().min(1), text: z.string().optional() });

const message = z.looseObject({
  id: z.string().max(256).optional(),
  role: z.enum(["system", "user", "assistant"]),
  parts: z.array(part),
});
export type UiMessage = z.infer<typeof message>;

/**
 * The body of `POST /api/chat`, as the AI SDK's transports send it: the conversation, or its last message alone. Members
 * that are not known are the application's own, and none of our business.
 */
export const uiChatRequestSchema = z
  .looseObject({
    id: chatIdSchema.optional(),
    messages: z.array(message).min(1, "must hold at least one message").optional(),
    message: message.optional(),
    trigger: z.enum(["submit-message", "regenerate-message"]).optional(),
    model: z.string().min(1).max(128).optional(),
    maxTokens: z.int().min(1).max(10_000_000).optional(),
    temperature: z.number().min(0).max(2).optional(),
  })
  .refine((body) => (body.message === undefined) !== (body.messages === undefined), {
    path: ["messages"],
    message: "give either messages or message",
  });
export type UiChatRequest = z.infer<typeof uiChatRequestSchema>;

/** The body of `POST /api/chat/{chatId}/stop`, which may be left out. */
export const uiStopRequestSchema = z.looseObject({
  /** What the client believes to be under way: another is not stopped. */
  activeStreamId: z.string().nullish(),
});

/** How many parts of an answer a client has received; negative: how many of the last ones it wants. */
export const startIndexSchema = z
  .string()
  .regex(/^-?\d{1,9}$/, "must be a whole number")
  .transform(Number);
