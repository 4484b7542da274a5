import * as v6 from "ai";
import * as v5 from "ai-v5";
import * as v6First from "ai-v6-first";
import * as v7 from "ai-v7";

export interface ChatMessage {
  readonly id: string;
  readonly role: "system" | "user" | "assistant";
  readonly parts: readonly { readonly type: string; readonly text?: string }[];
}

/** The state of a chat without a framework, as the SDK's own bindings for React and others keep it. */
class ChatState {
  status = "ready";
  error: Error | undefined;
  messages: ChatMessage[];

  constructor(messages: readonly ChatMessage[]) {
    this.messages = [...messages];
  }

  pushMessage = (message: ChatMessage): void => {
    this.messages = [...this.messages, message];
  };
  popMessage = (): void => {
    this.messages = this.messages.slice(0, -1);
  };
  replaceMessage = (index: number, message: ChatMessage): void => {
    this.messages = this.messages.with(index, structuredClone(message));
  };
  snapshot = <T>(value: T): T => structuredClone(value);
}

/** What `useChat` gives to a page, in every version of the SDK. */
export interface HeadlessChat {
  readonly id: string;
  readonly status: "submitted" | "streaming" | "ready" | "error";
  readonly error: Error | undefined;
  messages: ChatMessage[];
  sendMessage(message: { text: string; messageId?: string }): Promise<void>;
  regenerate(): Promise<void>;
  resumeStream(): Promise<void>;
  stop(): Promise<void>;
}

interface ChatInit {
  readonly id: string;
  readonly transport: unknown;
  readonly state: ChatState;
}

/** The SDK, as far as the tests use it: its types differ from version to version, and what they stand for does not. */
interface SdkModule {
  readonly AbstractChat: new (init: ChatInit) => HeadlessChat;
  readonly DefaultChatTransport: new (options: { api: string }) => unknown;
}

export interface AiSdk {
  readonly name: string;
  /** A replay starts the partial message anew; else the page must drop that before it resumes. */
  readonly replaysAnew: boolean;
  /** @param options `url` of the service, or of what stands before it */
  chat(options: {
    url: string;
    id: string;
    messages?: readonly ChatMessage[];
    transport?: unknown;
  }): HeadlessChat;
}

function sdk(name: string, module: unknown, replaysAnew = true): AiSdk {
  const { AbstractChat, DefaultChatTransport } = module as SdkModule;
  class Chat extends AbstractChat {}
  return {
    name,
    replaysAnew,
    chat: ({ url, id, messages = [], transport }) =>
      new Chat({
        id,
        transport: transport ?? new DefaultChatTransport({ api: `${url}/api/chat` }),
        state: new ChatState(messages),
      }),
  };
}

export const AI_SDKS: readonly AiSdk[] = [
  sdk("ai 5", v5),
  sdk("ai 6.0.0", v6First, false),
  sdk("ai 6", v6),
  sdk("ai 7", v7),
];

/** The text of the last message, if it is an answer. */
export function answerIn({ messages }: HeadlessChat): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== "assistant") return undefined;
  return last.parts.map(({ type, text }) => (type === "text" ? (text ?? "") : "")).join("");
}

/** What a page does when its stream has broken. */
export async function resume(sdkOf: AiSdk, chat: HeadlessChat): Promise<void> {
  if (!sdkOf.replaysAnew && chat.messages.at(-1)?.role === "assistant")
    chat.messages = chat.messages.slice(0, -1);
  await chat.resumeStream();
}
