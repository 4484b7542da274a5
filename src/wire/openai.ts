import { z } from "zod";

/*
 * The request of OpenAI's chat completions, as far as it is understood here. Members that are not known are let through,
 * since clients send many; what would change the answer's shape, and is not done, is refused rather than ignored.
 */

/** The longest name of a model that is looked up. */
const MODEL_NAME_MAX = 256;
const TOOLS_MAX = 128;
const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Of an effort: which there are, the model's provider knows. */
const level = z.string().regex(/^[a-z]{1,16}$/, "must be a word like low or high");

/** Of a member that would change the answer, and that nothing here could heed. @param why what is so instead */
const refused = (why: string) => z.null(why).optional();
const SUPERSEDED = "is not taken: offer tools, and choose by tool_choice";

const CONTENT = "must be text, or a list of parts that are text";

const textPart = z.looseObject({
  type: z.literal("text", "must be text: no other parts are taken"),
  text: z.string(),
});
const parts = z.array(textPart).min(1, "must hold at least one part");
const content = z.union([z.string(), parts], CONTENT);

const toolCall = z.looseObject({
  id: z.string().min(1),
  type: z.literal("function"),
  function: z.looseObject({ name: z.string().min(1), arguments: z.string() }),
});

const message = z.discriminatedUnion("role", [
  z.looseObject({ role: z.enum(["system", "developer"]), content }),
  z.looseObject({
    role: z.literal("user"),
    content: z.union([z.string().min(1, "must not be empty"), parts], CONTENT),
  }),
  z.looseObject({
    role: z.literal("assistant"),
    content: content.nullish(),
    tool_calls: z.array(toolCall).nullish(),
    function_call: refused("is not taken: say tool_calls"),
  }),
  z.looseObject({ role: z.literal("tool"), content, tool_call_id: z.string().min(1) }),
]);

const tool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: z.string().regex(TOOL_NAME, "must be 1 to 64 letters, digits, _ or -"),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.json()).nullish(),
  }),
});

const toolChoice = z.union(
  [
    z.enum(["none", "auto", "required"]),
    z.looseObject({ type: z.literal("function"), function: z.looseObject({ name: z.string() }) }),
  ],
  "must be none, auto, required or a function's name",
);

const NO_LOGPROBS = "there are no log probabilities";
const stopText = z.string().min(1, "must not be empty");

/** The body of `POST /v1/chat/completions`. */
export const completionRequestSchema = z
  .looseObject({
    model: z.string().min(1).max(MODEL_NAME_MAX).nullish(),
    messages: z.array(message).min(1, "must hold at least one message"),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
    max_tokens: z.int().min(1).nullish(),
    max_completion_tokens: z.int().min(1).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    presence_penalty: z.number().min(-2).max(2).nullish(),
    frequency_penalty: z.number().min(-2).max(2).nullish(),
    seed: z.int().nullish(),
    stop: z
      .union([stopText, z.array(stopText).max(4)], "must be a text or a list of up to 4")
      .nullish(),
    tools: z.array(tool).max(TOOLS_MAX).nullish(),
    tool_choice: toolChoice.nullish(),
    n: z.literal(1, "only one choice is made").nullish(),
    logprobs: z.literal(false, NO_LOGPROBS).nullish(),
    top_logprobs: z.literal(0, NO_LOGPROBS).nullish(),
    logit_bias: z.strictObject({}, "tokens cannot be biased").nullish(),
    reasoning_effort: level.nullish(),
    verbosity: level.nullish(),
    parallel_tool_calls: z.literal(true, "how many tools it calls is the model's to say").nullish(),
    functions: refused(SUPERSEDED),
    function_call: refused(SUPERSEDED),
    modalities: z.array(z.literal("text", "only text is made")).nullish(),
    audio: refused("is not taken: only text is made"),
    web_search_options: refused("is not taken: nothing is searched"),
    response_format: z.looseObject({ type: z.literal("text", "only text is made") }).nullish(),
  })
  .refine(
    ({ max_completion_tokens: limit, max_tokens: old }) =>
      (limit ?? old ?? 0) === (old ?? limit ?? 0),
    { path: ["max_tokens"], message: "says something else than max_completion_tokens" },
  );
export type CompletionRequest = z.infer<typeof completionRequestSchema>;
export type CompletionMessage = CompletionRequest["messages"][number];

export type CompletionFinishReason = "stop" | "length" | "tool_calls" | "content_filter";

export interface CompletionUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** A piece of a call, or with its `id` and name the beginning of one. */
export interface ToolCallDelta {
  index: number;
  id?: string;
  type?: "function";
  function: { name?: string; arguments: string };
}

export interface CompletionDelta {
  role?: "assistant";
  content?: string;
  reasoning_content?: string;
  tool_calls?: ToolCallDelta[];
}

/** One event of a streamed answer. */
export interface CompletionChunk {
  id: string;
  object: "chat.completion.chunk";
  /** Seconds since the epoch. */
  created: number;
  model: string;
  /** Empty in the one that tells the usage. */
  choices: {
    index: 0;
    delta: CompletionDelta;
    logprobs: null;
    finish_reason: CompletionFinishReason | null;
  }[];
  /** Only where it was asked for; null but in the last. */
  usage?: CompletionUsage | null;
}

/** A whole answer. */
export interface Completion {
  id: string;
  object: "chat.completion";
  /** Seconds since the epoch. */
  created: number;
  model: string;
  choices: {
    index: 0;
    message: {
      role: "assistant";
      /** Null where there are only calls of tools. */
      content: string | null;
      refusal: null;
      reasoning_content?: string;
      tool_calls?: {
        id: string;
        type: "function";
        function: { name: string; arguments: string };
      }[];
    };
    logprobs: null;
    finish_reason: CompletionFinishReason;
  }[];
  /** Absent where nobody knows. */
  usage?: CompletionUsage;
}

/** What goes wrong, before a stream and in it. */
export interface CompletionError {
  error: { message: string; type: string; param: string | null; code: string };
}

/** One entry of `GET /v1/models`. */
export interface ModelEntry {
  id: string;
  object: "model";
  /** Seconds since the epoch. */
  created: number;
  owned_by: string;
}
