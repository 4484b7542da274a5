import type { ChatSurface, SubjectName } from "./subject.ts";

/** Of the AI SDK's clients. */
const UI_CHAT: ChatSurface = { path: "/api/chat", dialect: "ui-message" };
/** Of NovaStream, in the rows that set it against the AI SDK. */
const OWN: ChatSurface = { path: "/api/v1/ai/chat", dialect: "prompt-sse" };

export function uiChatOf(name: SubjectName): ChatSurface {
  return name.startsWith("novastream") ? OWN : UI_CHAT;
}
