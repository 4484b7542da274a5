import OpenAI from "openai";
import OpenAI7 from "openai-v7";

/** What the tests use of a client is the same in both; their types are not assignable to each other. */
type Client = typeof OpenAI;

/** The official client's two majors, to be driven by one table of cases. */
export const OPENAI_CLIENTS: readonly (readonly [name: string, client: Client])[] = [
  ["openai 6", OpenAI],
  ["openai 7", OpenAI7 as unknown as Client],
];

/** A client of the service at `origin`, and when each of its requests was sent: it repeats some by itself. */
export function connectOpenAi(
  Client: Client,
  origin: string,
  { maxRetries = 0, query = {} }: { maxRetries?: number; query?: Record<string, string> } = {},
): { client: OpenAI; sentAt: number[] } {
  const sentAt: number[] = [];
  const client = new Client({
    apiKey: "any",
    baseURL: `${origin}/v1`,
    maxRetries,
    defaultQuery: query,
    fetch: (input, init) => {
      sentAt.push(performance.now());
      return fetch(input, init);
    },
  });
  return { client, sentAt };
}

export const says = (content: string): [{ role: "user"; content: string }] => [
  { role: "user", content },
];

/** What a client had been given when it was told that there is no more of it. */
export async function readCompletion(asked: Promise<AsyncIterable<OpenAI.ChatCompletionChunk>>) {
  let text = "";
  let finish: string | null | undefined;
  try {
    for await (const { choices } of await asked) {
      text += choices[0]?.delta.content ?? "";
      finish ??= choices[0]?.finish_reason;
    }
    return { text, finish, error: undefined };
  } catch (error) {
    return { text, finish, error };
  }
}
