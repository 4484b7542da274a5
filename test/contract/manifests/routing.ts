import { contract } from "./contract.ts";
import { gatewaysOf } from "./gateways.ts";
import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";
import { routesOf, takes } from "./routes.ts";

/** For the cluster alone: they have no authentication, and tell about others. */
const INTERNAL = /^\/(livez|readyz|health|ready|metrics)$|^\/api\/v1\/connections(\/|$)/;

/** What may stream goes to the Service for streams, what is for the cluster nowhere, and everything else somewhere. */
export function routingProblems(overlay: Overlay): string[] {
  const routes = overlay.manifests.flatMap((manifest) => [...routesOf(manifest)]);
  if (gatewaysOf(overlay).size === 0) return [];
  return contract().flatMap(({ method, path, streams }) => {
    const found = routes.filter((route) => takes(route, method, path));
    const services = [...new Set(found.map(({ service }) => service))];
    if (INTERNAL.test(path))
      return services.length > 0 ? [`${method} ${path} is reached from outside`] : [];
    if (services.length !== 1)
      return [
        `${method} ${path} ${services.length > 1 ? "goes to two Services" : "is not reached"}`,
      ];
    return streams && services[0] !== "novastream-streaming"
      ? [`${method} ${path} may stream, and goes to ${services[0]}`]
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
