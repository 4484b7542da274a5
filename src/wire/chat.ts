import { z } from "zod";

const content = z.string().min(1, "must not be empty");

/** The client's own name of a conversation, in which one answer is under way at a time; not the service's of an answer. */
export const chatIdSchema = z
  .string()
  .min(1, "must not be empty")
  .max(256)
  .regex(
    /^(?!gen-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$)/,
    "must not look like what the service calls a generation",
  );

/** The body of `POST /api/v1/ai/chat`: a prompt, or a conversation. How much of each, the service's configuration says. */
export const chatRequestSchema = z
  .strictObject({
    prompt: content.optional(),
    messages: z
      .array(z.strictObject({ role: z.enum(["system", "user", "assistant"]), content }))
      .min(1, "must hold at least one message")
      .optional(),
    model: z.string().min(1).max(128).optional(),
    maxTokens: z.int().min(1).max(10_000_000).optional(),
    max_tokens: z.int().min(1).max(10_000_000).optional(),
    temperature: z.number().min(0).max(2).optional(),
    stream: z.boolean().optional(),
    chatId: chatIdSchema.optional(),
  })
  .refine((body) => (body.prompt === undefined) !== (body.messages === undefined), {
    path: ["prompt"],
    message: "give either prompt or messages",
  })
  .refine(({ maxTokens, max_tokens }) => (maxTokens ?? max_tokens) === (max_tokens ?? maxTokens), {
    path: ["max_tokens"],
    message: "says something else than maxTokens",
  });
export type ChatRequest = z.infer<typeof chatRequestSchema>;

export interface Usage {
  inputTokens: number;
  outputTokens: number;
}

/** `stopped`: somebody asked for it. `abandoned`: nobody was there to read it any more. */
export type FinishReason =
  | "stop"
  | "length"
  | "tool-calls"
  | "content-filter"
  | "stopped"
  | "abandoned"
  | "error";

/** A generation as one document: the answer with `"stream": false`, and the snapshot at any time. */
export interface GenerationSnapshot {
  generation: string;
  state: "running" | "finished" | "stopped" | "failed";
  model: string;
  text: string;
  reasoning?: string;
  /** Of tools that the caller runs. */
  toolCalls?: { toolCallId: string; toolName: string; input: unknown }[];
  finishReason?: FinishReason;
  usage?: Usage;
  error?: { code: string; message: string; retryable: boolean; retryAfterMs?: number };
  /** RFC 3339, as the others. */
  startedAt: string;
  firstTokenAt?: string;
  endedAt?: string;
}
