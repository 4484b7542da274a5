import { createEvent, type Event } from "../../log/event.ts";
import { chunkDraft, chunkOf } from "../chunk.ts";
import { blockOf, type Delta, isDelta, textOf, withText } from "../delta.ts";

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

function joined(run: readonly Event[]): Event {
  const last = run.at(-1)!;
  if (run.length === 1) return last;
  const deltas = run.map((event) => chunkOf(event) as Delta);
  const whole = withText(deltas[0]!, deltas.map(textOf).join(""));
  return createEvent(last.topic, last.position, last.born, chunkDraft(whole), last.last);
}
