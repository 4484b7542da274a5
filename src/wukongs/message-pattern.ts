import { RE2JS, RE2Set } from "re2js";
import { ServiceError } from "../errors.ts";

/** Instructions of a compiled expression; a useful one has some dozens. What a match may cost grows with them. */
const PROGRAM_MAX = 200;
/**
 * For the states that matching has made and keeps, in bytes for each expression. A usual one needs a few KiB; one that
 * needs more is matched without states, which is no slower than making new ones all the time.
 */
const STATES_BYTES = 32 * 1024;
/** Expressions with so much; more of them at once get hardly any, and are matched more slowly. */
const STATEFUL_MAX = 256;
const STATES_BYTES_MIN = 1024;
/** Of a message, in UTF-16 units: what comes after them is not searched. */
const SEARCHED_MAX = 8 * 1024;

type MessagePattern = (message: string) => boolean;

/** By text, for as long as a reader has them. */
const patterns = new Map<string, WeakRef<MessagePattern>>();
const collected = new FinalizationRegistry((text: string) => {
  // There may be another one by now.
  if (!patterns.get(text)?.deref()) patterns.delete(text);
});

/**
 * A user's regular expression in RE2 syntax: matching takes time in proportion to the text, whatever the expression, so
 * that no reader can hold up the others with one.
 *
 * Measured on one core of 2.5 GHz: a usual log line takes 1 to 5 µs, and 8 Ki letters with the worst expression found that
 * is let through 30 to 60 ms. Readers with the same text share one.
 * @throws ServiceError `invalid-parameter`
 */
export function createMessagePattern(text: string): MessagePattern {
  const known = patterns.get(text)?.deref();
  if (known) return known;
  const pattern = compile(text);
  patterns.set(text, new WeakRef(pattern));
  collected.register(pattern, text);
  return pattern;
}

function compile(text: string): MessagePattern {
  const size = programSize(text);
  if (size > PROGRAM_MAX) {
    throw invalid(`is too large: it compiles to ${size} instructions, at most ${PROGRAM_MAX}`);
  }
  // Beside `RE2JS` the only way in that bounds the memory of the states.
  const statesBytes = patterns.size < STATEFUL_MAX ? STATES_BYTES : STATES_BYTES_MIN;
  const set = new RE2Set(RE2Set.UNANCHORED, 0, statesBytes);
  set.add(text);
  set.compile();
  return (message) => set.match(message.slice(0, SEARCHED_MAX)).length > 0;
}

function programSize(text: string): number {
  try {
    return RE2JS.compile(text).programSize();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid(
      `is not a regular expression of RE2: ${reason.replace(/^.*parsing regexp: /, "")}`,
    );
  }
}

function invalid(problem: string): ServiceError {
  return new ServiceError("invalid-parameter", `regex: ${problem}.`, { field: "regex" });
}
