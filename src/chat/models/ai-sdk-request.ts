import type { OpenAICompatibleProvider } from "@ai-sdk/openai-compatible";
import type { ModelMessage, ModelRequest, Tool, ToolCall, ToolChoice } from "./model.ts";

/** A model of the AI SDK. */
export type SdkModel = ReturnType<OpenAICompatibleProvider["chatModel"]>;
type SdkStream = Awaited<ReturnType<SdkModel["doStream"]>>["stream"];
/** What it says, bit by bit. */
export type SdkStreamPart = SdkStream extends ReadableStream<infer Part> ? Part : never;
type SdkRequest = Parameters<SdkModel["doStream"]>[0];
type SdkMessage = SdkRequest["prompt"][number];

/** A request in the words of the AI SDK's models. */
export function toSdkRequest(request: ModelRequest, abortSignal: AbortSignal): SdkRequest {
  return {
    prompt: request.messages.map(toSdkMessage),
    maxOutputTokens: request.maxTokens,
    temperature: request.temperature,
    topP: request.topP,
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    seed: request.seed,
    stopSequences: request.stop && [...request.stop],
    providerOptions: {
      openaiCompatible: {
        reasoningEffort: request.reasoningEffort,
        textVerbosity: request.verbosity,
      },
    },
    tools: request.tools?.map(toSdkTool),
    toolChoice: toSdkToolChoice(request.toolChoice),
    abortSignal,
  };
}

function toSdkMessage(message: ModelMessage): SdkMessage {
  switch (message.role) {
    case "system":
      return { role: "system", content: message.content };
    case "user":
      return { role: "user", content: [{ type: "text", text: message.content }] };
    case "assistant":
      return toSdkAnswer(message.content, message.toolCalls ?? []);
    case "tool": {
      const { toolCallId, toolName, content } = message;
      const output = { type: "text", value: content } as const;
      return { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] };
    }
  }
}

function toSdkAnswer(text: string, toolCalls: readonly ToolCall[]): SdkMessage {
  const calls = toolCalls.map(
    ({ toolCallId, toolName, input }) =>
      ({ type: "tool-call", toolCallId, toolName, input: parsed(input) }) as const,
  );
  return { role: "assistant", content: [{ type: "text", text }, ...calls] };
}

/** The SDK writes it as JSON again; what is no JSON goes up as a JSON string, which is the nearest that there is. */
function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}

function toSdkTool({ name, description, parameters }: Tool) {
  return { type: "function", name, description, inputSchema: parameters } as const;
}

function toSdkToolChoice(choice: ToolChoice | undefined): SdkRequest["toolChoice"] {
  if (choice === undefined) return undefined;
  return typeof choice === "object"
    ? { type: "tool", toolName: choice.toolName }
    : { type: choice };
}
