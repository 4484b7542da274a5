import type { ChatCommand } from "../chat/chat-command.ts";
import type { ModelMessage, Tool, ToolCall, ToolChoice } from "../chat/models/model.ts";
import { ServiceError } from "../errors.ts";
import type { CompletionMessage, CompletionRequest } from "../wire/openai.ts";

/** Of a tool that takes nothing. */
const NO_PARAMETERS = { type: "object", properties: {} };

/** What a request to OpenAI's API asks of a model. @throws ServiceError `invalid-body` that names the member */
export function completionCommandOf(body: CompletionRequest): ChatCommand {
  const tools = body.tools?.map(toolOf);
  return {
    messages: messagesOf(body.messages),
    model: body.model ?? undefined,
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    temperature: body.temperature ?? undefined,
    topP: body.top_p ?? undefined,
    presencePenalty: body.presence_penalty ?? undefined,
    frequencyPenalty: body.frequency_penalty ?? undefined,
    seed: body.seed ?? undefined,
    stop: typeof body.stop === "string" ? [body.stop] : (body.stop ?? undefined),
    reasoningEffort: body.reasoning_effort ?? undefined,
    verbosity: body.verbosity ?? undefined,
    tools,
    toolChoice: toolChoiceOf(body.tool_choice, tools),
  };
}

function messagesOf(messages: readonly CompletionMessage[]): ModelMessage[] {
  /** A result names its call; models want the tool's name with it. */
  const called = new Map<string, string>();
  return messages.map((message, index): ModelMessage => {
    const at = `messages.${index}`;
    switch (message.role) {
      case "system":
      case "developer":
        return { role: "system", content: textOf(message.content) };
      case "user": {
        const content = textOf(message.content);
        if (content === "") throw invalid(`${at}.content`, "must not be empty");
        return { role: "user", content };
      }
      case "assistant": {
        const toolCalls = message.tool_calls?.map((call, i) =>
          toolCallOf(call, `${at}.tool_calls.${i}`),
        );
        for (const { toolCallId, toolName } of toolCalls ?? []) called.set(toolCallId, toolName);
        return { role: "assistant", content: textOf(message.content), toolCalls };
      }
      case "tool": {
        const toolName = called.get(message.tool_call_id);
        if (toolName === undefined)
          throw invalid(`${at}.tool_call_id`, "is of no call in the messages before it");
        const toolCallId = message.tool_call_id;
        return { role: "tool", toolCallId, toolName, content: textOf(message.content) };
      }
    }
  });
}

/** Parts are paragraphs: run together, the end of one would be the beginning of the next. */
function textOf(content: string | readonly { text: string }[] | null | undefined): string {
  if (typeof content === "string") return content;
  return (content ?? []).map(({ text }) => text).join("\n");
}

type CompletionToolCall = NonNullable<
  Extract<CompletionMessage, { role: "assistant" }>["tool_calls"]
>[number];

function toolCallOf({ id, function: called }: CompletionToolCall, at: string): ToolCall {
  // Some models say nothing where a tool takes nothing.
  const input = called.arguments.trim() === "" ? "{}" : called.arguments;
  try {
    JSON.parse(input);
  } catch {
    throw invalid(`${at}.function.arguments`, "must be JSON text");
  }
  return { toolCallId: id, toolName: called.name, input };
}

function toolOf({
  function: { name, description, parameters },
}: NonNullable<CompletionRequest["tools"]>[number]): Tool {
  return { name, description: description ?? undefined, parameters: parameters ?? NO_PARAMETERS };
}

function toolChoiceOf(
  choice: CompletionRequest["tool_choice"],
  tools: readonly Tool[] | undefined,
): ToolChoice | undefined {
  if (choice === null || choice === undefined) return undefined;
  if (choice === "none" || choice === "auto") return choice;
  if (!tools || tools.length === 0)
    throw invalid("tool_choice", "asks for a tool, and there are no tools");
  if (choice === "required") return choice;
  const { name } = choice.function;
  if (tools.some((tool) => tool.name === name)) return { toolName: name };
  throw invalid("tool_choice.function.name", "is none of the tools");
}

function invalid(field: string, why: string): ServiceError {
  return new ServiceError("invalid-body", `${field}: ${why}.`, { field });
}
