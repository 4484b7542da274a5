import { find, ingress, remove, streaming, type Planted } from "./breaking.ts";
import type { Manifest, Overlay } from "./rendered.ts";

const route = (overlay: Overlay, name: string): Manifest => find(overlay, "HTTPRoute", name).spec;

/** In what leads in, and to which hosts. */
export const PLANTED_EXPOSURE: readonly Planted[] = [
  [
    "a Service with an address of its own",
    "is reached by its routes alone",
    "kong-gke",
    (o) => (streaming(o).spec.type = "LoadBalancer"),
    /Service\/novastream-streaming is a LoadBalancer/,
  ],
  [
    "a Service on every node",
    "is reached by its routes alone",
    "local",
    (o) => (find(o, "Service", "redis").spec.type = "NodePort"),
    /Service\/redis is a NodePort/,
  ],
  [
    "one pod for all behind a gateway",
    "is reached by its routes alone",
    "kong-gke",
    (o) => (streaming(o).spec.sessionAffinity = "ClientIP"),
    /sessionAffinity ClientIP/,
  ],
  [
    "a way for every other path",
    "is reached by its routes alone",
    "gke-ingress",
    (o) =>
      (find(o, "Ingress", "novastream").spec.defaultBackend = {
        service: { name: "novastream-api", port: { name: "http" } },
      }),
    /Ingress\/novastream has a defaultBackend/,
  ],
  [
    "paths as each controller takes them",
    "is reached by its routes alone",
    "kong-gke",
    (o) => (ingress(o).spec.rules[0].http.paths[0].pathType = "ImplementationSpecific"),
    /\/api\/v1\/wukongs is ImplementationSpecific/,
  ],
  [
    "a listener for routes of everybody",
    "is reached by its routes alone",
    "gke-gateway",
    (o) =>
      (find(o, "Gateway", "novastream").spec.listeners.at(-1).allowedRoutes.namespaces.from =
        "All"),
    /#https takes routes of other namespaces/,
  ],
  [
    "a path of an Ingress alone, without what is under it",
    "routes by what may stream",
    "kong-gke",
    (o) => (ingress(o).spec.rules[0].http.paths[0].pathType = "Exact"),
    /\/api\/v1\/wukongs\/\S+ is not reached/,
  ],
  [
    "a path of a route alone, without what is under it",
    "routes by what may stream",
    "gke-gateway",
    (o) => (route(o, "novastream-api").rules[0].matches[0].path.type = "Exact"),
    /\/api\/v1\/topics\/\S+ is not reached/,
  ],
  [
    "a path of Traefik's alone, without what is under it",
    "routes by what may stream",
    "traefik-gke",
    (o) => {
      for (const one of find(o, "IngressRoute", "novastream").spec.routes)
        one.match = one.match.replace("PathPrefix(`/api/v1/topics`)", "Path(`/api/v1/topics`)");
    },
    /\/api\/v1\/topics\/\S+ is not reached/,
  ],
  [
    "a path of APISIX' alone, without what is under it",
    "routes by what may stream",
    "apisix",
    (o) => {
      for (const { match } of find(o, "ApisixRoute", "novastream").spec.http)
        match.paths = match.paths.filter((path: string) => path !== "/api/v1/wukongs/*");
    },
    /\/api\/v1\/wukongs\/\S+ is not reached/,
  ],
  [
    "a route of methods that leave some out",
    "routes by what may stream",
    "gke-gateway",
    (o) => {
      for (const match of route(o, "novastream-streaming").rules[0].matches) match.method = "GET";
    },
    /POST \/api\/chat is not reached/,
  ],
  [
    "a route that is not the listener's",
    "is of one host",
    "gke-gateway",
    (o) => (route(o, "novastream-streaming").hostnames = ["streams.example.com"]),
    /HTTPRoute\/novastream-streaming is of streams\.example\.com, the others of stream\.example/,
  ],
  [
    "a listener of another host",
    "is of one host",
    "kong-gateway-api",
    (o) => (find(o, "Gateway", "novastream").spec.listeners[0].hostname = "example.com"),
    /Gateway\/novastream#\w+ is of example\.com/,
  ],
  [
    "an Ingress on another host",
    "is of one host",
    "kong-gke",
    (o) => (ingress(o).spec.rules[0].host = "other.example.com"),
    /Ingress\/novastream-streaming is of other\.example\.com/,
  ],
  [
    "an Ingress of any host",
    "is of one host",
    "ingress-nginx-legacy",
    (o) => delete ingress(o).spec.rules[0].host,
    /Ingress\/novastream-streaming is of any host/,
  ],
  [
    "a certificate of another host",
    "is of one host",
    "gke-ingress",
    (o) => (find(o, "ManagedCertificate", "novastream").spec.domains = ["example.com"]),
    /ManagedCertificate\/novastream is of example\.com/,
  ],
  [
    "Traefik's rule on another host",
    "is of one host",
    "traefik-gke",
    (o) => {
      const [first] = find(o, "IngressRoute", "novastream").spec.routes;
      first.match = first.match.replace("stream.example.com", "example.com");
    },
    /IngressRoute\/novastream is of example\.com/,
  ],
  [
    "APISIX' route on another host",
    "is of one host",
    "apisix",
    (o) => (find(o, "ApisixRoute", "novastream").spec.http[1].match.hosts = ["example.com"]),
    /ApisixRoute\/novastream api is of example\.com/,
  ],
  [
    "TLS at another port",
    "is reached by its routes alone",
    "kong-gateway-api",
    (o) => (find(o, "Gateway", "novastream").spec.listeners[0].port = 8443),
    /is HTTPS at port 8443/,
  ],
  [
    "a listener without a route",
    "is reached by its routes alone",
    "gke-gateway",
    (o) => remove(o, "HTTPRoute", "novastream-to-https"),
    /#http leads nowhere/,
  ],
  [
    "a route without a Gateway",
    "is reached by its routes alone",
    "gke-gateway",
    (o) => (route(o, "novastream-api").parentRefs = []),
    /HTTPRoute\/novastream-api hangs on no Gateway/,
  ],
  [
    "a gateway of no routes",
    "routes by what may stream",
    "gke-ingress",
    (o) => (find(o, "Ingress", "novastream").spec.rules = []),
    /GET \/api\/v1\/wukongs is not reached/,
  ],
];
