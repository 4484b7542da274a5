/** An endpoint that speaks OpenAI's chat completions, and what it is asked for. */
export interface ModelSettings {
  /** By which our callers ask for it. */
  readonly name: string;
  /** Without a slash at its end; `/chat/completions` comes after it. */
  readonly baseUrl: string;
  /** By which the endpoint knows it. */
  readonly model: string;
  /** Undefined where the endpoint wants none. */
  readonly apiKey: string | undefined;
  /** What the endpoint calls the limit of an answer. */
  readonly maxTokensMember: MaxTokensMember;
}

export const MAX_TOKENS_MEMBERS = ["max_tokens", "max_completion_tokens"] as const;
export type MaxTokensMember = (typeof MAX_TOKENS_MEMBERS)[number];

const NAME = /^[\x21-\x2b\x2d-\x7e]{1,128}$/;

/** As callers write it: printable, no space, no comma. */
export function isModelName(text: string): boolean {
  return NAME.test(text);
}

export const MODEL_NAME_FORM =
  "a name of up to 128 printable ASCII characters without space or comma";

/** Whitespace around it, as files of secrets have at their ends, is dropped. @returns undefined where it fits no header */
export function tryApiKey(text: string): string | undefined {
  const key = text.trim();
  return /^[\x21-\x7e]+$/.test(key) ? key : undefined;
}

export const API_KEY_FORM = "a key of printable ASCII characters without a space";

/** An HTTP address without credentials, query and fragment. @returns it without a slash at its end */
export function tryBaseUrl(text: string): string | undefined {
  const trimmed = text.trim();
  if (!URL.canParse(trimmed)) return undefined;
  const { protocol, username, password, search, hash, href } = new URL(trimmed);
  if (!/^https?:$/.test(protocol) || username || password || search || hash) return undefined;
  return href.replace(/[?#]*$/, "").replace(/\/+$/, "");
}

export const BASE_URL_FORM =
  "an address like https://host/v1 or http://host:11434/v1, without credentials or query";

/** Newer models of OpenAI's own refuse `max_tokens`; everybody else knows it, and not all know its successor. */
export function usualMaxTokensMember(baseUrl: string): MaxTokensMember {
  return new URL(baseUrl).hostname === "api.openai.com" ? "max_completion_tokens" : "max_tokens";
}
