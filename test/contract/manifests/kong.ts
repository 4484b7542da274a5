import { EXPOSED_HEADERS } from "../../../src/app.ts";
import { contract } from "./contract.ts";
import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";

/** Fewer, and a page that is used by hand meets the limit. */
const LEAST_A_MINUTE = 60;

/** What Kong leads by: its Ingresses, and the routes of its Gateway. */
function kongRoutes(overlay: Overlay): Manifest[] {
  const gateways = new Set(
    allOf(overlay, "Gateway")
      .filter(({ spec }) => spec.gatewayClassName === "kong")
      .map(({ metadata }) => metadata.name as string),
  );
  return allOf(overlay, "Ingress", "HTTPRoute").filter(({ spec }) =>
    spec.parentRefs
      ? spec.parentRefs.some(({ name }: Manifest) => gateways.has(name))
      : spec.ingressClassName === "kong",
  );
}

/** The plugins of a kind that a route has. */
function pluginsOn(overlay: Overlay, route: Manifest, kind: string): Manifest[] {
  const names = `${route.metadata.annotations?.["konghq.com/plugins"]}`.split(",");
  return allOf(overlay, "KongPlugin").filter(
    ({ plugin, metadata }) => plugin === kind && names.includes(metadata.name),
  );
}

/** Those of the contract. */
const contractMethods = (): string[] => [...new Set(contract().map(({ method }) => method))];

const difference = (from: readonly string[], of: readonly string[]): string[] =>
  from.filter((one) => !of.includes(one));

function corsProblems(config: Manifest): string[] {
  const {
    exposed_headers: exposed = [],
    methods: allowed,
    credentials,
    headers,
    max_age: maxAge,
  } = config;
  const problems = [];
  for (const name of difference(EXPOSED_HEADERS, exposed))
    problems.push(`pages may not read ${name}, which the service sends`);
  for (const name of difference(exposed, EXPOSED_HEADERS))
    problems.push(`exposes ${name}, which the service does not`);
  // Without a list Kong allows them all.
  for (const name of allowed ? difference(contractMethods(), allowed) : [])
    problems.push(`pages may not ${name}`);
  if (!(maxAge >= 60 && maxAge <= 86_400))
    problems.push(`preflights are good for ${maxAge ?? 0} s`);
  if (credentials !== true) problems.push("pages may send no credentials");
  if (headers) problems.push("has a list of headers, to which clients add their own");
  return problems;
}

function jwtProblems({ claims_to_verify: claims, uri_param_names: names, ...config }: Manifest) {
  const problems = [];
  if (!claims?.includes("exp")) problems.push("a token is good for ever: claims_to_verify exp");
  if (!names || names.length > 0) problems.push("takes tokens from URLs, which logs write down");
  if (config.run_on_preflight !== false)
    problems.push("asks preflights for a token, which they never have");
  return problems;
}

function limitProblems(config: Manifest): string[] {
  const { second, minute, hour } = config as Record<string, number | undefined>;
  const most = Math.min((second ?? Infinity) * 60, minute ?? Infinity, (hour ?? Infinity) / 60);
  const problems = [];
  if (most === Infinity) problems.push("has no limit, which Kong refuses");
  if (most < LEAST_A_MINUTE) problems.push(`allows ${most} a minute, fewer than a page asks`);
  if (config["fault_tolerant"] === false) problems.push("turns all away while its counter is");
  return problems;
}

const BY_KIND: Readonly<Record<string, (config: Manifest) => string[]>> = {
  cors: corsProblems,
  jwt: jwtProblems,
  "rate-limiting": limitProblems,
};

/** On each of Kong's routes are the plugins that any has who lets in, set as the code and browsers need them. */
export function kongProblems(overlay: Overlay): string[] {
  const routes = kongRoutes(overlay);
  const demanded = ["cors", ...(allOf(overlay, "KongPlugin").some(isJwt) ? ["jwt"] : [])];
  const missing = routes.flatMap((route) =>
    demanded
      .filter((kind) => pluginsOn(overlay, route, kind).length !== 1)
      .map((kind) => `${named(route)} must have one plugin ${kind}`),
  );
  const stripped = routes
    .filter(({ metadata }) => metadata.annotations?.["konghq.com/strip-path"] !== "false")
    .map((route) => `${named(route)}: konghq.com/strip-path must be "false", else paths are cut`);
  const wrong = allOf(overlay, "KongPlugin").flatMap((plugin) =>
    (BY_KIND[plugin.plugin as string]?.(plugin.config) ?? []).map(
      (problem) => `${named(plugin)}: ${problem}`,
    ),
  );
  const known = allOf(overlay, "KongConsumer").filter(({ credentials }) => credentials?.length > 0);
  const nobody =
    demanded.includes("jwt") && known.length === 0
      ? ["nobody issues tokens: no KongConsumer with credentials"]
      : [];
  const consumers = allOf(overlay, "KongConsumer")
    .filter(({ metadata }) => metadata.annotations?.["kubernetes.io/ingress.class"] !== "kong")
    .map((consumer) => `${named(consumer)}: without its class Kong does not know who it is`);
  return [...missing, ...stripped, ...wrong, ...nobody, ...consumers];
}

const isJwt = ({ plugin }: Manifest): boolean => plugin === "jwt";
