import { z } from "zod";
import {
  BASE_URL_FORM,
  API_KEY_FORM,
  isModelName,
  MAX_TOKENS_MEMBERS,
  MODEL_NAME_FORM,
  type ModelSettings,
  tryApiKey,
  tryBaseUrl,
  usualMaxTokensMember,
} from "./model-settings.ts";

/** Like `z.string().transform`, but what was given may be secret, and is not repeated. */
function quiet(parse: (text: string) => string | undefined, expected: string) {
  return z.string(`expected ${expected}`).transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: `expected ${expected}` });
    return z.NEVER;
  });
}

const entrySchema = z.strictObject({
  baseUrl: quiet(tryBaseUrl, BASE_URL_FORM),
  model: z.string().min(1).max(256).optional(),
  apiKey: quiet(tryApiKey, API_KEY_FORM).optional(),
  apiKeyEnv: quiet(
    (text) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? text : undefined),
    "the name of an environment variable",
  ).optional(),
  maxTokensMember: z.enum(MAX_TOKENS_MEMBERS).optional(),
});

export interface SettingsProblem {
  /** The variable that is at fault. */
  readonly variable: string;
  readonly message: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `AI_MODELS`: a JSON object, name → `{baseUrl, model?, apiKey? | apiKeyEnv?, maxTokensMember?}`.
 * Problems name the entry and the member, and repeat no value.
 */
export function parseModelTable(
  text: string,
  environment: Environment,
): { models: ModelSettings[]; problems: SettingsProblem[] } {
  const problems: SettingsProblem[] = [];
  const complain = (...path: string[]) =>
    problems.push({ variable: "AI_MODELS", message: path.join(": ") });
  const table = tryObject(text);
  if (!table || Object.keys(table).length === 0) {
    complain('expected a JSON object of models like {"name": {"baseUrl": "https://host/v1"}}');
    return { models: [], problems };
  }
  const models: ModelSettings[] = [];
  for (const [name, entry] of Object.entries(table)) {
    const shown = JSON.stringify(name.slice(0, 128));
    if (!isModelName(name)) complain(shown, `expected ${MODEL_NAME_FORM}`);
    const result = entrySchema.safeParse(entry);
    if (!result.success) {
      for (const { path, message } of result.error.issues)
        complain([shown, ...path].join("."), message);
      continue;
    }
    const { baseUrl, model = name, apiKeyEnv, ...rest } = result.data;
    if (rest.apiKey !== undefined && apiKeyEnv !== undefined)
      complain(`${shown}.apiKeyEnv`, "give either apiKey or apiKeyEnv");
    const named = apiKeyEnv === undefined ? undefined : tryApiKey(environment[apiKeyEnv] ?? "");
    if (apiKeyEnv !== undefined && named === undefined)
      complain(`${shown}.apiKeyEnv`, "the variable that it names holds no key");
    const { maxTokensMember = usualMaxTokensMember(baseUrl) } = rest;
    models.push({ name, baseUrl, model, apiKey: rest.apiKey ?? named, maxTokensMember });
  }
  return { models, problems };
}

function tryObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch {
    return undefined;
  }
}
