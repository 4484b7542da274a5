import { ServiceError } from "../errors.ts";
import type { UiChatRequest, UiMessage } from "../wire/ui-chat.ts";
import type { ChatCommand, ChatTurn } from "./chat-command.ts";
import type { ModelMessage } from "./models/model.ts";

/** What a UI message stream's client asks. @throws ServiceError `invalid-body` for what a model cannot be told */
export function commandOfUiRequest(request: UiChatRequest): ChatCommand {
  const { messages, message, model, maxTokens, temperature } = request;
  const shown = messages
    ? messages.map((each, index) => modelMessageOf(each, `messages.${index}`))
    : [modelMessageOf(message!, "message")];
  return {
    messages: shown.filter((each) => each !== undefined),
    model,
    maxTokens,
    temperature,
    chat: turnOf(request),
  };
}

function turnOf({ id, messages, message, trigger }: UiChatRequest): ChatTurn | undefined {
  if (id === undefined) return undefined;
  const asked = message ?? messages?.findLast(({ role }) => role === "user");
  // Who asks for another answer to the same message does not want the one that is there.
  return { id, message: trigger === "regenerate-message" ? undefined : asked?.id };
}

/** Undefined of a message without a word. @param at where in the body it stands */
function modelMessageOf({ role, parts }: UiMessage, at: string): ModelMessage | undefined {
  let content = "";
  for (const [index, { type, text }] of parts.entries()) {
    const field = `${at}.parts.${index}`;
    if (type === "text") {
      if (text === undefined) throw refused(field, "a part of type text must have a text");
      content += text;
    } else if (role !== "assistant" && !type.startsWith("data-")) {
      throw refused(field, `a part of type ${JSON.stringify(type.slice(0, 40))} is not taken here`);
    }
  }
  // An answer that was stopped before its first word, or that only called tools.
  if (content === "" && role === "assistant") return undefined;
  if (content === "") throw refused(`${at}.parts`, "must hold some text");
  return { role, content };
}

function refused(field: string, why: string): ServiceError {
  return new ServiceError("invalid-body", `${field}: ${why}.`, { field });
}
