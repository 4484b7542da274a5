import type { Chunk } from "../chunk.ts";
import type { ModelPart } from "../models/model.ts";

/** Turns what a model says into chunks: opens and closes the blocks that they stand in, and numbers tool calls. */
export class AnswerChunks {
  #open: { readonly kind: "text" | "reasoning"; readonly id: string } | undefined;
  #blocks = 0;

  /** The chunks that this part adds. */
  *of(part: Exclude<ModelPart, { type: "finish" }>): Generator<Chunk> {
    switch (part.type) {
      case "text":
      case "reasoning": {
        yield* this.#enter(part.type);
        yield { type: `${part.type}-delta`, id: this.#open!.id, delta: part.text };
        break;
      }
      default:
        throw new TypeError(`a model said what is not known here: ${part.type}`);
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
}
