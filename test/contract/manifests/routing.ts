import { inRoot } from "../support-dockerfile.ts";
import { allOf, type Manifest, named, type Overlay, readYaml } from "./rendered.ts";

interface Route {
  readonly prefix: string;
  readonly service: string;
}

/** For the cluster alone: they have no authentication, and tell about others. */
const INTERNAL = /^\/(livez|readyz|health|ready|metrics)$|^\/api\/v1\/connections(\/|$)/;

function* routesOf({ kind, spec }: Manifest): Generator<Route> {
  if (kind === "Ingress")
    for (const { http } of spec.rules)
      for (const { path, backend } of http.paths)
        yield { prefix: path, service: backend.service.name };
  if (kind === "HTTPRoute")
    for (const { matches = [], backendRefs = [] } of spec.rules)
      for (const { path } of backendRefs.length > 0 ? matches : [])
        yield { prefix: path.value, service: backendRefs[0].name };
  if (kind === "IngressRoute")
    for (const { match, services } of spec.routes)
      for (const [, prefix] of String(match).matchAll(/Path(?:Prefix)?\(`([^`]+)`\)/g))
        yield { prefix: prefix!, service: services[0].name };
  if (kind === "ApisixRoute")
    for (const { match, backends } of spec.http)
      for (const path of match.paths)
        yield { prefix: path.replace(/\/\*$/, ""), service: backends[0].serviceName };
}

const under = (path: string, prefix: string): boolean =>
  path === prefix || path.startsWith(`${prefix}/`);

interface Operation {
  readonly path: string;
  readonly streams: boolean;
}

let operations: readonly Operation[] | undefined;

/** Each path of the contract, and whether an answer of it may stream. */
function contract(): readonly Operation[] {
  if (operations) return operations;
  const document = readYaml(inRoot("openapi.yaml"));
  const shared = document.components.responses ?? {};
  const streams = (response: Manifest): boolean => {
    const { content = {} } = response.$ref ? shared[response.$ref.split("/").at(-1)] : response;
    return Object.keys(content as object).some((type) =>
      /^(text\/event-stream|application\/x-ndjson)/.test(type),
    );
  };
  operations = Object.entries(document.paths as Record<string, Manifest>).map(([path, item]) => {
    const responses = Object.values(item as Record<string, Manifest>).flatMap((operation) =>
      Object.values((operation?.responses ?? {}) as Record<string, Manifest>),
    );
    return { path, streams: path.startsWith("/ws/") || responses.some(streams) };
  });
  return operations;
}

/** What may stream goes to the Service for streams, what is for the cluster nowhere, and everything else somewhere. */
export function routingProblems(overlay: Overlay): string[] {
  const routes = overlay.manifests.flatMap((manifest) => [...routesOf(manifest)]);
  if (routes.length === 0) return [];
  return contract().flatMap(({ path, streams }) => {
    const found = routes.filter(({ prefix }) => under(path, prefix));
    const longest = found.toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
    if (INTERNAL.test(path)) return longest ? [`${path} is reached from outside`] : [];
    if (!longest) return [`${path} is not reached`];
    if (new Set(found.map(({ service }) => service)).size > 1)
      return [`${path} goes to two Services`];
    return streams && longest.service !== "novastream-streaming"
      ? [`${path} may stream, and goes to ${longest.service}`]
      : [];
  });
}

const isStreaming = (manifest: Manifest): boolean =>
  [...routesOf(manifest)].some(({ service }) => service === "novastream-streaming");

/** On an Ingress of ingress-nginx. `error` is told of what could not be sent; `timeout` is for what only takes long. */
const NGINX_STREAMING = {
  "proxy-buffering": "off",
  "proxy-request-buffering": "off",
  "proxy-body-size": "0",
  "proxy-next-upstream": "error",
  "proxy-next-upstream-tries": "2",
};

/**
 * Routes of streams hold nothing back. An error or a refusal that an EventSource meets ends it for good: so what could not be
 * connected is tried once more, but no POST is asked twice; and no gateway limits streams, which the service does by itself.
 */
export function streamProblems(overlay: Overlay): string[] {
  const problems: string[] = [];
  const demand = (manifest: Manifest, name: string, value: string) => {
    if (manifest.metadata.annotations?.[name] !== value)
      problems.push(`${named(manifest)}: ${name} must be "${value}"`);
  };
  const kongGateway = allOf(overlay, "Gateway").some(
    (gateway) => gateway.spec.gatewayClassName === "kong",
  );
  let kong = kongGateway;
  for (const route of allOf(overlay, "Ingress", "HTTPRoute").filter(isStreaming)) {
    if (route.spec.ingressClassName === "nginx")
      for (const [name, value] of Object.entries(NGINX_STREAMING))
        demand(route, `nginx.ingress.kubernetes.io/${name}`, value);
    const mine =
      route.spec.ingressClassName === "kong" || (route.kind === "HTTPRoute" && kongGateway);
    if (!mine) continue;
    kong = true;
    for (const side of ["response", "request"])
      demand(route, `konghq.com/${side}-buffering`, "false");
    demand(route, "konghq.com/strip-path", "false");
    const plugins = String(route.metadata.annotations["konghq.com/plugins"]).split(",");
    for (const plugin of allOf(overlay, "KongPlugin"))
      if (plugin.plugin.startsWith("rate-limiting") && plugins.includes(plugin.metadata.name))
        problems.push(`${named(route)}: ${named(plugin)} ends an EventSource for good`);
  }
  if (kong)
    for (const service of allOf(overlay, "Service").filter(({ metadata }) =>
      metadata.name.startsWith("novastream-"),
    ))
      demand(service, "konghq.com/retries", "1");
  for (const route of allOf(overlay, "HTTPRoute"))
    for (const rule of route.spec.rules)
      for (const field of ["timeouts", "retry"])
        if (rule[field])
          problems.push(`${named(route)}: ${field} is not what its controller makes of it`);
  for (const { spec, ...route } of allOf(overlay, "IngressRoute"))
    for (const { match, services, middlewares = [] } of spec.routes)
      for (const { name } of middlewares) {
        const middleware = allOf(overlay, "Middleware").find(
          ({ metadata }) => metadata.name === name,
        );
        for (const bad of ["buffering", "compress", "errors"])
          if (middleware?.spec[bad]) problems.push(`${named(route)}: ${bad} holds streams back`);
        if (middleware?.spec.retry && !/&& Method\(`GET`\) &&/.test(match))
          problems.push(`${named(route)}: retry collects bodies`);
        for (const limit of ["inFlightReq", "rateLimit"])
          if (middleware?.spec[limit] && services[0].name === "novastream-streaming")
            problems.push(`${named(route)}: ${limit} ends an EventSource for good`);
      }
  for (const route of allOf(overlay, "ApisixRoute"))
    for (const { name, backends, plugins = [], websocket } of route.spec.http) {
      if (backends[0].serviceName !== "novastream-streaming") continue;
      const on = (plugin: string): Manifest =>
        plugins.find((one: Manifest) => one.name === plugin && one.enable)?.config;
      if (!on("proxy-buffering")?.disable_proxy_buffering)
        problems.push(`${named(route)} ${name}: answers are buffered`);
      if (on("proxy-control")?.request_buffering !== false)
        problems.push(`${named(route)} ${name}: uploads are buffered`);
      if (!websocket) problems.push(`${named(route)} ${name}: WebSockets are refused`);
    }
  for (const upstream of allOf(overlay, "ApisixUpstream"))
    if (upstream.spec.retries !== 1) problems.push(`${named(upstream)}: retries must be 1`);
  return problems;
}
