import { createEvent, type Event } from "../../log/event.ts";
import { type Chunk, chunkDraft, chunkOf } from "../chunk.ts";

type Delta = Extract<Chunk, { type: `${string}-delta` }>;

/**
 * Puts adjacent deltas of one block together into one, which stands where the last of them stood: what has been said so
 * far, for a reader who comes late. A piece is never larger than the events that are handed in.
 */
export function mergeDeltas(events: readonly Event[]): readonly Event[] {
  const merged: Event[] = [];
  let run: Event[] = [];
  let block: string | undefined;
  for (const event of events) {
    const chunk = chunkOf(event);
    const its = isDelta(chunk) ? blockOf(chunk) : undefined;
    if (its === undefined || its !== block) {
      if (run.length > 0) merged.push(joined(run));
      run = [];
    }
    if (its === undefined) merged.push(event);
    else run.push(event);
    block = its;
  }
  if (run.length > 0) merged.push(joined(run));
  return merged;
}

function isDelta(chunk: Chunk): chunk is Delta {
  return chunk.type.endsWith("-delta");
}

/** Of one block: its text, the reasoning before it, or the input of one call. */
function blockOf(delta: Delta): string {
  return `${delta.type} ${delta.type === "tool-input-delta" ? delta.toolCallId : delta.id}`;
}

function joined(run: readonly Event[]): Event {
  const last = run.at(-1)!;
  if (run.length === 1) return last;
  const deltas = run.map((event) => chunkOf(event) as Delta);
  const text = deltas.map(textOf).join("");
  const first = deltas[0]!;
  const whole: Delta =
    first.type === "tool-input-delta"
      ? { ...first, inputTextDelta: text }
      : { ...first, delta: text };
  return createEvent(last.topic, last.position, last.born, chunkDraft(whole), last.last);
}

function textOf(delta: Delta): string {
  return delta.type === "tool-input-delta" ? delta.inputTextDelta : delta.delta;
}
