import type { Chunk } from "./chunk.ts";

/** A chunk that goes on with a block: a text, the reasoning before it, or the input of one tool call. */
export type Delta = Extract<Chunk, { type: `${string}-delta` }>;

export function isDelta(chunk: Chunk): chunk is Delta {
  return chunk.type.endsWith("-delta");
}

/** The same for deltas of the same block, and for no others. */
export function blockOf(delta: Delta): string {
  return `${delta.type} ${delta.type === "tool-input-delta" ? delta.toolCallId : delta.id}`;
}

export function textOf(delta: Delta): string {
  return delta.type === "tool-input-delta" ? delta.inputTextDelta : delta.delta;
}

export function withText(delta: Delta, text: string): Delta {
  return delta.type === "tool-input-delta"
    ? { ...delta, inputTextDelta: text }
    : { ...delta, delta: text };
}
