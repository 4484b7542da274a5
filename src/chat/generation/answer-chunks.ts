import type { Chunk } from "../chunk.ts";
import type { ModelPart, ToolCall } from "../models/model.ts";

type Said = Exclude<ModelPart, { type: "finish" }>;

interface Call {
  readonly index: number;
  /** What has been given of its input. */
  input: string;
}

/**
 * Turns what a model says into chunks: opens and closes the blocks that they stand in, and numbers tool calls. Every call
 * begins with a start and has all of its input as deltas, even from a model that says it whole, so that a projection can
 * tell it from single chunks.
 */
export class AnswerChunks {
  #open: { readonly kind: "text" | "reasoning"; readonly id: string } | undefined;
  #blocks = 0;
  readonly #calls = new Map<string, Call>();

  /** The chunks that this part adds. */
  *of(part: Said): Generator<Chunk> {
    switch (part.type) {
      case "text":
      case "reasoning":
        yield* this.#enter(part.type);
        yield { type: `${part.type}-delta`, id: this.#open!.id, delta: part.text };
        break;
      case "tool-input-start":
        yield* this.#begin(part.toolCallId, part.toolName);
        break;
      case "tool-input-delta":
        yield* this.#extend(part.toolCallId, part.text);
        break;
      case "tool-call":
        yield* this.#complete(part);
        break;
    }
  }

  /** What must be closed before the answer ends, however it ends. */
  *end(): Generator<Chunk> {
    if (this.#open) yield { type: `${this.#open.kind}-end`, id: this.#open.id };
    this.#open = undefined;
  }

  *#enter(kind: "text" | "reasoning"): Generator<Chunk> {
    if (this.#open?.kind === kind) return;
    yield* this.end();
    this.#open = { kind, id: `${kind === "text" ? "txt" : "rsn"}-${this.#blocks++}` };
    yield { type: `${kind}-start`, id: this.#open.id };
  }

  *#begin(toolCallId: string, toolName: string): Generator<Chunk> {
    if (this.#calls.has(toolCallId)) return;
    yield* this.end();
    const index = this.#calls.size;
    this.#calls.set(toolCallId, { index, input: "" });
    yield { type: "tool-input-start", toolCallId, toolName, index };
  }

  *#extend(toolCallId: string, text: string): Generator<Chunk> {
    const call = this.#calls.get(toolCallId);
    if (!call) throw new TypeError("a model went on with a tool call that it had not begun");
    if (text === "") return;
    call.input += text;
    yield { type: "tool-input-delta", toolCallId, inputTextDelta: text, index: call.index };
  }

  *#complete({ toolCallId, toolName, input }: ToolCall): Generator<Chunk> {
    yield* this.#begin(toolCallId, toolName);
    const { input: given } = this.#calls.get(toolCallId)!;
    if (input.startsWith(given)) yield* this.#extend(toolCallId, input.slice(given.length));
    yield { type: "tool-input-available", toolCallId, toolName, input: parsed(input) };
  }
}

/** What is not JSON stays text: whoever runs the tool decides what that is worth. */
function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}
