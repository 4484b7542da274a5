import { type Config, ENVIRONMENT, parseConfig } from "../../../src/config.ts";
import { allOf, deploymentOf, type Manifest, named, type Overlay } from "./rendered.ts";

const READ = new Set(Object.keys(ENVIRONMENT.shape));
/** Node's own. */
const RUNTIME = new Set(["NODE_OPTIONS"]);
const SECRET = /PASSWORD|API_KEY|SECRET|TOKEN(?!_TIMEOUT|S$)/;

export const containerOf = (overlay: Overlay): Manifest =>
  deploymentOf(overlay).spec.template.spec.containers[0];

/** What its ConfigMaps and its own variables say, a word standing for each secret. */
export function variablesOf(overlay: Overlay): Record<string, string> {
  const { env = [], envFrom = [] } = containerOf(overlay);
  const maps = envFrom.map(
    ({ configMapRef }: Manifest) =>
      allOf(overlay, "ConfigMap").find(({ metadata }) => metadata.name === configMapRef.name)?.data,
  );
  const own = env.map(({ name, value }: Manifest) => [name, value ?? "from-a-secret"]);
  return Object.assign({}, ...maps, Object.fromEntries(own)) as Record<string, string>;
}

export const configOf = (overlay: Overlay): Config => parseConfig(variablesOf(overlay));

/** Every variable is one that the service reads, with a value that it takes; no secret stands in the open. */
export function environmentProblems(overlay: Overlay): string[] {
  const variables = variablesOf(overlay);
  const problems = Object.keys(variables)
    .filter((name) => !READ.has(name) && !RUNTIME.has(name))
    .map((name) => `${name} is not read by the service`);
  for (const { data, ...map } of allOf(overlay, "ConfigMap"))
    for (const [name, value] of Object.entries(data as Record<string, string>))
      if (SECRET.test(name) || /:\/\/[^/]*:[^/]*@/.test(value))
        problems.push(`${named(map)}: ${name} belongs in a Secret`);
  for (const { name, value } of containerOf(overlay).env ?? [])
    if (value !== undefined && SECRET.test(name))
      problems.push(`${name} stands in the Deployment, not in a Secret`);
  try {
    const config = configOf(overlay);
    if (!config.redis) problems.push("without a Redis each pod is a service of its own");
  } catch (error) {
    problems.push((error as Error).message);
  }
  return problems;
}
