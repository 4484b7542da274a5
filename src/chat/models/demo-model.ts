import { setTimeout as delay } from "node:timers/promises";
import type { Model, ModelPart, ModelRequest } from "./model.ts";

const segmenter = new Intl.Segmenter("en", { granularity: "word" });

/** Words with the white space and punctuation that precede them; together they are the text again. */
function toTokens(text: string): string[] {
  const tokens: string[] = [];
  let pending = "";
  for (const { segment, isWordLike } of segmenter.segment(text)) {
    pending += segment;
    if (!isWordLike) continue;
    tokens.push(pending);
    pending = "";
  }
  if (pending !== "") tokens.push(pending);
  return tokens;
}

/** Answers with the prompt itself: deterministic, offline, a token at a time; for trying things out and for tests. */
export class DemoModel implements Model {
  readonly name = "demo";
  readonly #delayMs: number;

  /** @param delayMs before each token */
  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  async *stream(
    { messages, maxTokens }: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelPart> {
    const prompt = messages.findLast(({ role }) => role === "user")?.content ?? "";
    const tokens = toTokens(`You said: ${prompt}`);
    const inputTokens = messages.reduce((sum, { content }) => sum + toTokens(content).length, 0);
    let outputTokens = 0;
    for (const text of tokens.slice(0, maxTokens)) {
      // Also at 0 ms: a model that never yields would keep the process from its other work.
      await delay(this.#delayMs, undefined, { signal });
      outputTokens++;
      yield { type: "text", text };
    }
    const reason = tokens.length > maxTokens ? "length" : "stop";
    yield { type: "finish", reason, usage: { inputTokens, outputTokens } };
  }
}
