import { randomUUID } from "node:crypto";

/** How a chat is asked for, and answered: as `{"prompt"}` by NDJSON, or as the AI SDK's clients do. */
export type ChatDialect = "prompt" | "ui-message";

export interface ChatPost {
  readonly headers: Readonly<Record<string, string>>;
  /** In ASCII. */
  readonly body: string;
}

/** The request for a new answer. */
export function chatPost(dialect: ChatDialect, prompt: string): ChatPost {
  const body = JSON.stringify(dialect === "ui-message" ? conversation(prompt) : { prompt });
  const headers = {
    "content-type": "application/json",
    "content-length": String(body.length),
  };
  return { headers, body };
}

/** What `DefaultChatTransport` sends: a chat of its own, so that no answer is attached to another. */
function conversation(prompt: string): object {
  const message = { id: randomUUID(), role: "user", parts: [{ type: "text", text: prompt }] };
  return { id: randomUUID(), messages: [message], trigger: "submit-message" };
}

/** In every piece of an answer that has text of the model in it. */
const MARKS: Readonly<Record<ChatDialect, string>> = {
  prompt: '"token"',
  "ui-message": '"text-delta"',
};

export function hasText(dialect: ChatDialect, piece: string): boolean {
  return piece.includes(MARKS[dialect]);
}

/** What the model has said, of an answer as it came, with or without the heads of HTTP's chunks. */
export function textOf(received: string): string {
  return received
    .split("\n")
    .map((line) => /^(?:data: )?(\{.*\})$/.exec(line)?.[1])
    .filter((document) => document !== undefined)
    .map((document) => JSON.parse(document) as { token?: string; delta?: string })
    .map(({ token, delta }) => token ?? delta ?? "")
    .join("");
}

/** What the demo model says to a prompt. */
export function answerTo(prompt: string): string {
  return `You said: ${prompt}`;
}
