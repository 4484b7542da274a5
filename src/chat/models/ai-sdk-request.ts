import { type AssistantModelMessage, jsonSchema, type ModelMessage as SdkMessage, tool } from "ai";
import type { ModelMessage, ModelRequest, ToolCall, ToolChoice } from "./model.ts";

/** A request in the words of the AI SDK. Its tools have no `execute`: they are the caller's to run. */
export function toCallSettings(request: ModelRequest) {
  return {
    messages: request.messages.map(toSdkMessage),
    // They are the caller's own messages; without this, each call would warn on stderr.
    allowSystemInMessages: true,
    maxOutputTokens: request.maxTokens,
    temperature: request.temperature,
    topP: request.topP,
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    seed: request.seed,
    stopSequences: request.stop && [...request.stop],
    tools: request.tools && toSdkTools(request.tools),
    toolChoice: toSdkToolChoice(request.toolChoice),
  };
}

function toSdkMessage(message: ModelMessage): SdkMessage {
  switch (message.role) {
    case "assistant":
      return toSdkAnswer(message.content, message.toolCalls ?? []);
    case "tool": {
      const { toolCallId, toolName, content } = message;
      const output = { type: "text", value: content } as const;
      return { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] };
    }
    default:
      return { role: message.role, content: message.content };
  }
}

function toSdkAnswer(content: string, toolCalls: readonly ToolCall[]): AssistantModelMessage {
  if (toolCalls.length === 0) return { role: "assistant", content };
  const text = content === "" ? [] : [{ type: "text", text: content } as const];
  const calls = toolCalls.map(
    ({ toolCallId, toolName, input }) =>
      ({ type: "tool-call", toolCallId, toolName, input: parsed(input) }) as const,
  );
  return { role: "assistant", content: [...text, ...calls] };
}

/** The SDK writes it as JSON again; what is no JSON goes up as a JSON string, which is the nearest that there is. */
function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}

function toSdkTools(tools: NonNullable<ModelRequest["tools"]>) {
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => [
      name,
      tool({ description, inputSchema: jsonSchema(parameters) }),
    ]),
  );
}

function toSdkToolChoice(choice: ToolChoice | undefined) {
  return typeof choice === "object"
    ? ({ type: "tool", toolName: choice.toolName } as const)
    : choice;
}
