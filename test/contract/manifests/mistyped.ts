import { type Break, container, find } from "./breaking.ts";

/** Against an object's schema: what is wrong, in which overlay, how, and what is said of it. */
export const MISTYPED: readonly (readonly [string, string, Break, RegExp])[] = [
  [
    "a field of a container",
    "local",
    (o) => (container(o).imagee = "x"),
    /^Deployment\/novastream: .*\bimagee\b/,
  ],
  [
    "a number as text",
    "kong-gke",
    (o) => (find(o, "HorizontalPodAutoscaler", "novastream").spec.maxReplicas = "20"),
    /^HorizontalPodAutoscaler.*'string' is not assignable to type 'number'/,
  ],
  [
    "a field that is missing",
    "gke-gateway",
    (o) => delete find(o, "GCPBackendPolicy", "novastream-api").spec.targetRef.kind,
    /^GCPBackendPolicy.*\bkind\W+ is missing/,
  ],
  [
    "a policy's field",
    "gke-gateway",
    (o) => (find(o, "GCPBackendPolicy", "novastream-api").spec.default.timeoutSecs = 30),
    /^GCPBackendPolicy.*\btimeoutSecs\b/,
  ],
  [
    "a timeout of no second",
    "gke-gateway",
    (o) => (find(o, "GCPBackendPolicy", "novastream-streaming").spec.default.timeoutSec = 0),
    /^GCPBackendPolicy.*must be >= 1/,
  ],
  [
    "a BackendConfig's field",
    "gke-ingress",
    (o) => (find(o, "BackendConfig", "novastream-api").spec.timeout = 30),
    /^BackendConfig.*\btimeout\b/,
  ],
  [
    "Traefik's old group",
    "traefik-gke",
    (o) => (find(o, "IngressRoute", "novastream").apiVersion = "traefik.containo.us/v1alpha1"),
    /^IngressRoute.*not assignable to type 'never'/,
  ],
  [
    "a field of an IngressRoute",
    "traefik-gke",
    (o) => (find(o, "IngressRoute", "novastream").spec.buffering = false),
    /^IngressRoute.*\bbuffering\b/,
  ],
  [
    "a route that retries",
    "gke-gateway",
    (o) => (find(o, "HTTPRoute", "novastream-api").spec.rules[0].retries = 3),
    /^HTTPRoute.*\bretries\b/,
  ],
  [
    "a Kong plugin that does not exist",
    "kong-gke-jwt",
    (o) => (find(o, "KongPlugin", "novastream-jwt").plugin = "request-timeout"),
    /^KongPlugin\/novastream-jwt/,
  ],
  [
    "a Kong plugin's flat redis",
    "kong-gke",
    (o) => (find(o, "KongPlugin", "novastream-rate-limit").config.redis_host = "redis"),
    /^KongPlugin.*\bredis_host\b/,
  ],
  [
    "another Kong plugin's key",
    "kong-gke",
    (o) => (find(o, "KongPlugin", "novastream-cors").config.minute = 60),
    /^KongPlugin\/novastream-cors.*\bminute\b/,
  ],
  [
    "an APISIX plugin's invented key",
    "apisix",
    (o) =>
      (find(o, "ApisixRoute", "novastream").spec.http[0].plugins[0].config.disable_buffering =
        true),
    /^ApisixRoute.*\bdisable_buffering\b/,
  ],
  [
    "an ApisixTls without its Secret's namespace",
    "apisix",
    (o) => delete find(o, "ApisixTls", "novastream").spec.secret.namespace,
    /^ApisixTls.*\bnamespace\b/,
  ],
  [
    "a PodMonitoring without its interval",
    "kong-gke",
    (o) => delete find(o, "PodMonitoring", "novastream").spec.endpoints[0].interval,
    /^PodMonitoring.*\binterval\b/,
  ],
  [
    "a PodMonitor's field",
    "apisix",
    (o) => (find(o, "PodMonitor", "novastream").spec.podMetricsEndpoints[0].intervall = "15s"),
    /^PodMonitor.*\bintervall\b/,
  ],
  [
    "a ScaledObject's field",
    "traefik-gke",
    (o) => (find(o, "ScaledObject", "novastream").spec.foo = 1),
    /^ScaledObject.*\bfoo\b/,
  ],
  [
    "a kind that there is not",
    "local",
    (o) => (find(o, "PodDisruptionBudget", "novastream").kind = "PodDisruptionBuget"),
    /^PodDisruptionBuget.*Cannot find module/,
  ],
];
