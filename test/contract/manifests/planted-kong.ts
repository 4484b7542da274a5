import { find, ingress, remove, streaming, type Planted } from "./breaking.ts";
import type { Manifest, Overlay } from "./rendered.ts";

const RULE = "is guarded by Kong on every route";

const plugin = (overlay: Overlay, name: string): Manifest =>
  find(overlay, "KongPlugin", name).config;
const service = (overlay: Overlay): Record<string, string> =>
  streaming(overlay).metadata.annotations;

/** In Kong's plugins, timers and balancing, and in those of the other gateways. */
export const PLANTED_KONG: readonly Planted[] = [
  [
    "tokens on one of two Ingresses",
    RULE,
    "kong-gke-jwt",
    (o) => (ingress(o).metadata.annotations["konghq.com/plugins"] = "novastream-cors"),
    /Ingress\/novastream-streaming must have one plugin jwt/,
  ],
  [
    "a route without CORS",
    RULE,
    "kong-gateway-api",
    (o) =>
      (find(o, "HTTPRoute", "novastream-api").metadata.annotations["konghq.com/plugins"] =
        "novastream-rate-limit"),
    /HTTPRoute\/novastream-api must have one plugin cors/,
  ],
  [
    "tokens that are good for ever",
    RULE,
    "kong-gke-jwt",
    (o) => (plugin(o, "novastream-jwt").claims_to_verify = []),
    /KongPlugin\/novastream-jwt: a token is good for ever/,
  ],
  [
    "tokens in URLs",
    RULE,
    "kong-gke-jwt",
    (o) => delete plugin(o, "novastream-jwt").uri_param_names,
    /tokens from URLs/,
  ],
  [
    "tokens of preflights",
    RULE,
    "kong-gke-jwt",
    (o) => (plugin(o, "novastream-jwt").run_on_preflight = true),
    /asks preflights for a token/,
  ],
  [
    "a consumer whom Kong does not read",
    RULE,
    "kong-gke-jwt",
    (o) => delete find(o, "KongConsumer", "novastream-issuer").metadata.annotations,
    /KongConsumer\/novastream-issuer: without its class/,
  ],
  [
    "one request a minute",
    RULE,
    "kong-gke",
    (o) => (plugin(o, "novastream-rate-limit").minute = 1),
    /allows 1 a minute/,
  ],
  [
    "a header that pages may not read",
    RULE,
    "kong-gke",
    (o) => plugin(o, "novastream-cors").exposed_headers.shift(),
    /pages may not read X-Request-Id/,
  ],
  [
    "a header that the service does not expose",
    RULE,
    "kong-gke",
    (o) => plugin(o, "novastream-cors").exposed_headers.push("X-Generation"),
    /exposes X-Generation, which the service does not/,
  ],
  [
    "methods of reading alone",
    RULE,
    "kong-gke",
    (o) => (plugin(o, "novastream-cors").methods = ["GET", "HEAD", "OPTIONS"]),
    /pages may not POST[^]*pages may not DELETE/,
  ],
  [
    "pages without credentials",
    RULE,
    "kong-gke",
    (o) => (plugin(o, "novastream-cors").credentials = false),
    /may send no credentials/,
  ],
  [
    "paths that Kong cuts",
    RULE,
    "kong-gke",
    (o) =>
      (find(o, "Ingress", "novastream-api").metadata.annotations["konghq.com/strip-path"] = "true"),
    /Ingress\/novastream-api: konghq.com\/strip-path must be "false"/,
  ],
  [
    "a paid model for everybody",
    "asks paid models for who is known",
    "kong-gke-jwt",
    (o) => {
      for (const name of ["novastream-streaming", "novastream-api"])
        find(o, "Ingress", name).metadata.annotations["konghq.com/plugins"] = "novastream-cors";
      remove(o, "KongPlugin", "novastream-jwt");
    },
    /Ingress\/novastream-streaming lets anybody ask/,
  ],
  [
    "streams by turns",
    "fills the emptiest pod first",
    "kong-gke",
    (o) => (find(o, "KongUpstreamPolicy", "novastream").spec.algorithm = "round-robin"),
    /Service\/novastream-streaming: Kong goes round-robin/,
  ],
  [
    "streams without a policy",
    "fills the emptiest pod first",
    "kong-gateway-api",
    (o) => delete service(o)["konghq.com/upstream-policy"],
    /Kong goes round-robin/,
  ],
  [
    "APISIX' streams by turns",
    "fills the emptiest pod first",
    "apisix",
    (o) => delete find(o, "ApisixUpstream", "novastream-streaming").spec.loadbalancer,
    /APISIX goes roundrobin/,
  ],
  [
    "Traefik's streams by turns",
    "fills the emptiest pod first",
    "traefik-gke",
    (o) => delete find(o, "IngressRoute", "novastream").spec.routes[0].services[0].strategy,
    /Traefik goes wrr/,
  ],
  [
    "a millisecond to write",
    "is waited for as long as it may take",
    "kong-gke",
    (o) => (service(o)["konghq.com/write-timeout"] = "1"),
    /konghq.com\/write-timeout of 1 cuts who sends slowly/,
  ],
  [
    "a minute to connect",
    "is waited for as long as it may take",
    "kong-gke",
    (o) => (service(o)["konghq.com/connect-timeout"] = "60000"),
    /connect-timeout of 60000 waits for pods that are gone/,
  ],
  [
    "a second to send",
    "is waited for as long as it may take",
    "apisix",
    (o) => (find(o, "ApisixRoute", "novastream").spec.http[0].timeout.send = "1s"),
    /streaming send of 1s cuts who sends slowly/,
  ],
  [
    "five seconds for the head of an answer",
    "is waited for as long as it may take",
    "traefik-gke",
    (o) =>
      (find(o, "ServersTransport", "novastream").spec.forwardingTimeouts.responseHeaderTimeout =
        "5s"),
    /responseHeaderTimeout of 5s cuts a model's whole answer/,
  ],
  [
    "connections that the service closes first",
    "is waited for as long as it may take",
    "traefik-gke",
    (o) =>
      (find(o, "ServersTransport", "novastream").spec.forwardingTimeouts.idleConnTimeout = "15m"),
    /idleConnTimeout of 15m sends to connections that the service closes/,
  ],
];
