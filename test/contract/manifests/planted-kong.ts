import { find, ingress, remove, type Planted } from "./breaking.ts";
import type { Manifest, Overlay } from "./rendered.ts";

const RULE = "is guarded by Kong on every route";

const plugin = (overlay: Overlay, name: string): Manifest =>
  find(overlay, "KongPlugin", name).config;

/** In what Kong's plugins let in, and let pages do. */
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
    "a preflight for each request",
    RULE,
    "kong-gke",
    (o) => delete plugin(o, "novastream-cors").max_age,
    /preflights are good for 0 s/,
  ],
  [
    "a limit of nothing",
    RULE,
    "kong-gke",
    (o) => delete plugin(o, "novastream-rate-limit").minute,
    /has no limit, which Kong refuses/,
  ],
  [
    "tokens that nobody issues",
    RULE,
    "kong-gke-jwt",
    (o) => remove(o, "KongConsumer", "novastream-issuer"),
    /nobody issues tokens/,
  ],
];
