import type { Chunk } from "../chunk.ts";
import { blockOf, type Delta, isDelta, textOf, withText } from "../delta.ts";

/**
 * Keeps characters whole that a model says in two halves (surrogates): half of one cannot be written as UTF-8. The first
 * half waits for the next delta of its block, or for the block's end.
 */
export class WholeCharacters {
  /** By block. */
  readonly #halves = new Map<string, Delta>();

  /** The chunk, with what has waited for it, and without what has to wait. */
  *of(chunk: Chunk): Generator<Chunk> {
    if (!isDelta(chunk)) {
      yield* this.#endedBy(chunk);
      yield chunk;
      return;
    }
    const block = blockOf(chunk);
    const half = this.#halves.get(block);
    this.#halves.delete(block);
    const text = (half ? textOf(half) : "") + textOf(chunk);
    const whole = endsInHalf(text) ? text.slice(0, -1) : text;
    if (whole.length < text.length) this.#halves.set(block, withText(chunk, text.slice(-1)));
    if (whole !== "") yield withText(chunk, whole);
  }

  /** What is said of it after all, since nothing more will come. */
  *#endedBy(chunk: Chunk): Generator<Delta> {
    for (const [block, half] of this.#halves) {
      if (!ends(chunk, half)) continue;
      this.#halves.delete(block);
      yield half;
    }
  }
}

function endsInHalf(text: string): boolean {
  return /[\uD800-\uDBFF]$/.test(text);
}

function ends(chunk: Chunk, delta: Delta): boolean {
  switch (chunk.type) {
    case "text-end":
    case "reasoning-end":
      return "id" in delta && delta.id === chunk.id;
    case "tool-input-available":
      return "toolCallId" in delta && delta.toolCallId === chunk.toolCallId;
    case "finish-step":
    case "finish":
      return true;
    default:
      return false;
  }
}
