import { type Config, ENVIRONMENT, parseConfig } from "../../../src/config.ts";
import { allOf, deploymentOf, type Manifest, named, type Overlay } from "./rendered.ts";

const READ = new Set(Object.keys(ENVIRONMENT.shape));
/** Node's own. */
const RUNTIME = new Set(["NODE_OPTIONS"]);
const SECRET = /PASSWORD|API_KEY|SECRET|TOKEN(?!_TIMEOUT|S$)/;
const MIB = 1_024 ** 2;

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

const inMiB = (size: number): string => `${Math.ceil(size / MIB)} MiB`;
const bytes = (quantity: string): number => {
  const [, digits, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity)!;
  return Number(digits) * (unit === "Gi" ? 1_024 * MIB : MIB);
};

/** Measured: resident memory of an idle stream, and of an answer under way, both of which are in the heap. */
const STREAM_BYTES = 13 * 1_024;
const ANSWER_BYTES = 0.45 * MIB;
/** Of the heap: above it the collector takes the processor. */
const FULL_HEAP = 0.75;
/** What Node itself takes outside the heap: code, stacks, the modules' own. */
const NODE_BYTES = 100 * MIB;

/**
 * What the variables allow fits into the pod's memory at the same time: in the heap all streams and all answers; beside it Node,
 * the buffers that readers share, and the kernel's send buffers, were every reader to stall at once. TLS is the gateway's.
 */
export function memoryProblems(overlay: Overlay): string[] {
  const { limits, requests } = containerOf(overlay).resources;
  const problems = [];
  if (limits.memory !== requests.memory)
    problems.push("a pod that uses more than it has asked for is the first to be evicted");
  if (limits.cpu) problems.push("a limit of CPU throttles every reader of the pod");
  const size = /--max-old-space-size=(\d+)/.exec(variablesOf(overlay)["NODE_OPTIONS"] ?? "")?.[1];
  const heap = Number(size) * MIB;
  const { admission, chat, ringBytes } = configOf(overlay);
  const held = admission.maxConnections * STREAM_BYTES + chat.maxGenerations * ANSWER_BYTES;
  if (chat.maxGenerations === 0 || !(held <= FULL_HEAP * heap))
    problems.push(`streams and answers take ${inMiB(held)}, too much for the heap`);
  const { sysctls = [] } = deploymentOf(overlay).spec.template.spec.securityContext;
  const wmem = sysctls.find(({ name }: Manifest) => name === "net.ipv4.tcp_wmem")?.value as
    | string
    | undefined;
  const most = Number(wmem?.split(/\s+/)[2]);
  if (!(most >= 65_536)) problems.push("send buffers are the kernel's own, of 4 MiB, or too small");
  const needed = heap + NODE_BYTES + ringBytes + admission.maxConnections * most;
  if (!(needed <= bytes(limits.memory)))
    problems.push(`the pod may need ${inMiB(needed)}, and has ${limits.memory}`);
  return problems;
}

/** Browsers' origins stand in one list, and whose X-Forwarded-For is believed where there is a gateway. */
export function edgeProblems(overlay: Overlay): string[] {
  const config = configOf(overlay);
  const problems = allOf(overlay, "KongPlugin")
    .filter(({ plugin }) => plugin === "cors")
    .filter(({ config: { origins } }) => String(origins) !== config.corsOrigins.join())
    .map((plugin) => `${named(plugin)}: origins are not those of CORS_ORIGINS`);
  const gateway = allOf(overlay, "Ingress", "Gateway", "IngressRoute", "ApisixRoute").length > 0;
  if (gateway && config.trustedProxies.length === 0)
    problems.push("without TRUSTED_PROXIES every client has the gateway's address");
  if (gateway && config.admission.maxPerAddress === 0)
    problems.push("without MAX_CONNECTIONS_PER_ADDRESS one client may take every stream");
  if (gateway && config.corsOrigins.includes("*")) problems.push("any page may call");
  return problems;
}
