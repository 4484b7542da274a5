import { DEMO_MODEL_NAME } from "./demo-model.ts";
import {
  API_KEY_FORM,
  BASE_URL_FORM,
  isModelName,
  MODEL_NAME_FORM,
  type ModelSettings,
  tryApiKey,
  tryBaseUrl,
  usualMaxTokensMember,
} from "./model-settings.ts";
import { type Environment, parseModelTable, type SettingsProblem } from "./model-table.ts";

/** The models that this process offers, beside the demo model. */
export interface ModelCatalogue {
  readonly models: readonly ModelSettings[];
  /** The name of one of those, or of the demo model. */
  readonly defaultModel: string;
}

/**
 * `AI_BASE_URL`, `AI_API_KEY` and `AI_MODEL` (one endpoint), `AI_MODELS` (any number of them) and `AI_DEFAULT_MODEL`. The
 * default is the first that is configured, and the demo model only where none is.
 * @returns what can be told from them, and all that is wrong with them; a problem repeats neither keys nor addresses
 */
export function parseModelCatalogue(environment: Environment): {
  catalogue: ModelCatalogue;
  problems: readonly SettingsProblem[];
} {
  const plain = parseEndpoint(environment);
  const text = environment["AI_MODELS"];
  const table = text === undefined ? undefined : parseModelTable(text, environment);
  const models = [...plain.models, ...(table?.models ?? [])];
  const problems = [...plain.problems, ...(table?.problems ?? [])];
  for (const { name } of table?.models ?? [])
    if (plain.models.some((other) => other.name === name))
      problems.push({
        variable: "AI_MODELS",
        message: `${JSON.stringify(name)}: is named in AI_MODEL too`,
      });
  const names = [...models.map(({ name }) => name), DEMO_MODEL_NAME];
  if (models.some(({ name }) => name === DEMO_MODEL_NAME))
    problems.push({
      variable: plain.models.some(({ name }) => name === DEMO_MODEL_NAME)
        ? "AI_MODEL"
        : "AI_MODELS",
      message: `${DEMO_MODEL_NAME} is the name of the model that is always there`,
    });
  const defaultModel = environment["AI_DEFAULT_MODEL"] ?? names[0]!;
  if (!names.includes(defaultModel) && problems.length === 0)
    problems.push({
      variable: "AI_DEFAULT_MODEL",
      message: `expected one of ${[...new Set(names)].join(", ")}`,
    });
  return { catalogue: Object.freeze({ models, defaultModel }), problems };
}

/** The endpoint that has variables of its own, and the models that it is asked for. */
function parseEndpoint(environment: Environment): {
  models: ModelSettings[];
  problems: SettingsProblem[];
} {
  const { AI_BASE_URL: address, AI_API_KEY: key, AI_MODEL: list } = environment;
  const problems: SettingsProblem[] = [];
  const complain = (variable: string, message: string) => problems.push({ variable, message });
  const baseUrl = address === undefined ? undefined : tryBaseUrl(address);
  const apiKey = key === undefined ? undefined : tryApiKey(key);
  const names = list?.split(",").map((name) => name.trim()) ?? [];
  if (address !== undefined && baseUrl === undefined)
    complain("AI_BASE_URL", `expected ${BASE_URL_FORM}`);
  if (key !== undefined && apiKey === undefined) complain("AI_API_KEY", `expected ${API_KEY_FORM}`);
  if (!names.every(isModelName)) complain("AI_MODEL", `expected ${MODEL_NAME_FORM}, or several`);
  if (new Set(names).size < names.length) complain("AI_MODEL", "names a model twice");
  if (address !== undefined && list === undefined)
    complain("AI_MODEL", "is needed beside AI_BASE_URL");
  if (address === undefined && list !== undefined)
    complain("AI_BASE_URL", "is needed beside AI_MODEL");
  if (address === undefined && key !== undefined)
    complain("AI_API_KEY", "is a key for AI_BASE_URL, which is not set");
  if (baseUrl === undefined || problems.length > 0) return { models: [], problems };
  const maxTokensMember = usualMaxTokensMember(baseUrl);
  const models = names.map((name) => ({ name, baseUrl, model: name, apiKey, maxTokensMember }));
  return { models, problems };
}
