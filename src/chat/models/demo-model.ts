import { setTimeout as delay } from "node:timers/promises";
import { type DemoStep, parseDemoScript } from "./demo-script.ts";
import { ModelError } from "./model-error.ts";
import type { Model, ModelPart, ModelRequest } from "./model.ts";

export const DEMO_MODEL_NAME = "demo";

const segmenter = new Intl.Segmenter("en", { granularity: "word" });

/**
 * Words with the white space and punctuation that precede them; together they are the text again. What stands between
 * white space is one token at least, also where there is no word in it.
 */
function toTokens(text: string): string[] {
  const tokens: string[] = [];
  let pending = "";
  for (const [, space, piece] of text.matchAll(/(\s*)(\S+|$)/g)) {
    pending += space;
    let told = piece === "";
    for (const { segment, isWordLike } of segmenter.segment(piece!)) {
      pending += segment;
      if (!isWordLike) continue;
      tokens.push(pending);
      pending = "";
      told = true;
    }
    if (told) continue;
    tokens.push(pending);
    pending = "";
  }
  if (pending !== "") tokens.push(pending);
  return tokens;
}

/**
 * Answers with the prompt itself: deterministic, offline, a token at a time; for trying things out and for tests. A prompt
 * whose first line is a script (`parseDemoScript`) makes it do what real models do at times: reason, call a tool, stall, fail.
 */
export class DemoModel implements Model {
  readonly name = DEMO_MODEL_NAME;
  readonly #delayMs: number;

  /** @param delayMs before each token */
  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
    yield* new Performance(request, this.#delayMs, signal).parts();
  }
}

type Finish = Extract<ModelPart, { type: "finish" }>;

/** One answer of the demo model. */
class Performance {
  readonly #request: ModelRequest;
  readonly #signal: AbortSignal;
  #delayMs: number;
  #retryAfterMs: number | undefined;
  #said = 0;
  #calls = 0;
  /** Set once the answer is over. */
  #reason: Finish["reason"] | undefined;

  constructor(request: ModelRequest, delayMs: number, signal: AbortSignal) {
    this.#request = request;
    this.#delayMs = delayMs;
    this.#signal = signal;
  }

  async *parts(): AsyncGenerator<ModelPart> {
    const { messages } = this.#request;
    const asked = messages.findLast(({ role }) => role === "user")?.content ?? "";
    const { steps, prompt } = parseDemoScript(asked);
    for (const step of steps) {
      if (step.do === "break") return;
      yield* this.#perform(step, prompt);
      if (this.#reason) break;
    }
    // A called tool ends the answer; so does a script that leaves nothing to answer.
    if (!this.#reason && this.#calls === 0 && (steps.length === 0 || prompt !== ""))
      yield* this.#say("text", toTokens(`You said: ${prompt}`));
    this.#reason ??= this.#calls > 0 ? "tool-calls" : "stop";
    const inputTokens = messages.reduce((sum, { content }) => sum + toTokens(content).length, 0);
    const usage = { inputTokens, outputTokens: this.#said };
    yield { type: "finish", reason: this.#reason, usage };
  }

  async *#perform(step: DemoStep, prompt: string): AsyncGenerator<ModelPart> {
    switch (step.do) {
      case "say":
        return yield* this.#say("text", numbers("", step.tokens));
      case "reason":
        return yield* this.#say("reasoning", numbers("thought-", step.tokens));
      case "call":
        return yield* this.#call(step.toolName, prompt);
      case "stall":
        await delay(step.ms, undefined, { signal: this.#signal });
        return;
      case "delay":
        this.#delayMs = step.ms;
        return;
      case "retry-after":
        this.#retryAfterMs = step.ms;
        return;
      case "fail":
        throw new ModelError(step.code, "The demo model fails, as its script says.", {
          retryAfterMs: this.#retryAfterMs,
        });
      case "finish":
        this.#reason = step.reason;
        return;
      default:
        throw new TypeError(`a script has no step ${step.do}`);
    }
  }

  async *#say(type: "text" | "reasoning", tokens: Iterable<string>): AsyncGenerator<ModelPart> {
    for (const text of tokens) {
      if (this.#said >= this.#request.maxTokens) {
        this.#reason = "length";
        return;
      }
      // Also at 0 ms: a model that never yields would keep the process from its other work.
      await delay(this.#delayMs, undefined, { signal: this.#signal });
      this.#said++;
      yield { type, text };
    }
  }

  /** Asks for the tool, or the first one offered, with the prompt as its input. */
  async *#call(asked: string | undefined, prompt: string): AsyncGenerator<ModelPart> {
    const toolName = asked ?? this.#request.tools?.[0]?.name;
    if (toolName === undefined)
      throw new ModelError(
        "model-refused",
        "The demo model was offered no tool that it could call.",
      );
    const toolCallId = `call-${this.#calls++}`;
    const input = JSON.stringify({ prompt });
    yield { type: "tool-input-start", toolCallId, toolName };
    for (const text of toTokens(input)) {
      await delay(this.#delayMs, undefined, { signal: this.#signal });
      this.#said++;
      yield { type: "tool-input-delta", toolCallId, text };
    }
    yield { type: "tool-call", toolCallId, toolName, input };
  }
}

/** `1 2 3 …`: whoever reads it sees at once what is missing or doubled. */
function* numbers(prefix: string, count: number): Generator<string> {
  for (let n = 1; n <= count; n++) yield `${n === 1 ? "" : " "}${prefix}${n}`;
}
