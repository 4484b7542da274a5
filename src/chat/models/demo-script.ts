import { ERROR_CODES } from "../../errors.ts";
import { tryDuration } from "../../wire/units.ts";
import { ModelError, type ModelErrorCode } from "./model-error.ts";
import type { ModelPart } from "./model.ts";

/** One thing that a script makes the demo model do. */
export type DemoStep =
  | { readonly do: "say" | "reason"; readonly tokens: number }
  | { readonly do: "call"; readonly toolName: string | undefined }
  | { readonly do: "stall"; readonly ms: number }
  | { readonly do: "delay"; readonly ms: number }
  | { readonly do: "retry-after"; readonly ms: number }
  | { readonly do: "fail"; readonly code: ModelErrorCode }
  | { readonly do: "break" }
  | { readonly do: "finish"; readonly reason: Extract<ModelPart, { type: "finish" }>["reason"] };

export interface DemoScript {
  readonly steps: readonly DemoStep[];
  /** The prompt without its script. */
  readonly prompt: string;
}

/** A prompt that begins with this is a script; it is what no sentence and no pasted program begins with. */
const MARK = /^#!demo(?=\s|$)([^\n]*)\n?/;
const MAX_TOKENS = 1_000_000;
/** What a timer can wait; as good as for ever. */
const FOR_EVER_MS = 2_073_600_000;
const MODEL_ERROR_CODES = Object.keys(ERROR_CODES).filter((code) => code.startsWith("model-"));
const FINISH_REASONS = ["stop", "length", "content-filter"] as const;

/** Each takes what stands after `=`, or undefined, and gives undefined where that makes no sense. */
const DIRECTIVES: Readonly<
  Record<string, { usage: string; parse: (value: string | undefined) => DemoStep | undefined }>
> = {
  tokens: { usage: "tokens=<count>", parse: (value) => counted("say", value) },
  reason: { usage: "reason[=<count>]", parse: (value = "5") => counted("reason", value) },
  tool: {
    usage: "tool[=<name>]",
    parse: (value) =>
      value === undefined || /^[\w-]{1,64}$/.test(value)
        ? { do: "call", toolName: value }
        : undefined,
  },
  stall: {
    usage: "stall[=<duration>]",
    parse: (value) =>
      value === undefined ? { do: "stall", ms: FOR_EVER_MS } : timed("stall", value),
  },
  delay: { usage: "delay=<duration>", parse: (value) => timed("delay", value) },
  "retry-after": { usage: "retry-after=<duration>", parse: (value) => timed("retry-after", value) },
  fail: {
    usage: `fail=<${MODEL_ERROR_CODES.join("|")}>`,
    parse: (value = "") =>
      MODEL_ERROR_CODES.includes(value) ? { do: "fail", code: value as ModelErrorCode } : undefined,
  },
  break: {
    usage: "break",
    parse: (value) => (value === undefined ? { do: "break" } : undefined),
  },
  finish: {
    usage: `finish=<${FINISH_REASONS.join("|")}>`,
    parse: (value) => {
      const reason = FINISH_REASONS.find((known) => known === value);
      return reason && { do: "finish", reason };
    },
  },
};

/**
 * Reads the script in a prompt's first line, if it has one: `#!demo`, then directives that are done one after the other.
 * @throws ModelError `model-refused` that lists the directives, for one that is not known or makes no sense
 */
export function parseDemoScript(prompt: string): DemoScript {
  const match = MARK.exec(prompt);
  if (!match) return { steps: [], prompt };
  const words = match[1]!.split(/\s+/).filter((word) => word !== "");
  return { steps: words.map(parseStep), prompt: prompt.slice(match[0].length) };
}

function parseStep(word: string): DemoStep {
  const [name = "", ...rest] = word.split("=");
  const directive = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined;
  const step = directive?.parse(rest.length > 0 ? rest.join("=") : undefined);
  if (step) return step;
  const known = Object.values(DIRECTIVES).map(({ usage }) => usage);
  throw new ModelError(
    "model-refused",
    `The demo model does not know ${JSON.stringify(word.slice(0, 64))}. It knows: ${known.join(", ")}.`,
  );
}

function counted(what: "say" | "reason", value: string | undefined): DemoStep | undefined {
  const tokens = Number(value);
  if (!/^\d{1,7}$/.test(value ?? "") || tokens > MAX_TOKENS) return undefined;
  return { do: what, tokens };
}

function timed(
  what: "stall" | "delay" | "retry-after",
  value: string | undefined,
): DemoStep | undefined {
  const ms = tryDuration(value ?? "");
  return ms === undefined || ms > FOR_EVER_MS ? undefined : { do: what, ms };
}
