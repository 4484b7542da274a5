import { add, data, find, ingress, streaming, type Planted } from "./breaking.ts";

/** In what gateways do to streams. */
export const PLANTED_GATEWAYS: readonly Planted[] = [
  [
    "the load balancer's default timeout",
    "is not cut by its load balancer",
    "gke-gateway",
    (o) => delete find(o, "GCPBackendPolicy", "novastream-streaming").spec.default.timeoutSec,
    /cuts streams/,
  ],
  [
    "an age above the load balancer's timeout",
    "is not cut by its load balancer",
    "gke-ingress",
    (o) => (data(o).MAX_CONNECTION_AGE = "2h"),
    /cuts streams/,
  ],
  [
    "streams without an age",
    "is not cut by its load balancer",
    "gke-gateway",
    (o) => (data(o).MAX_CONNECTION_AGE = "0"),
    /cuts streams/,
  ],
  [
    "no draining at the load balancer",
    "is not cut by its load balancer",
    "gke-ingress",
    (o) => delete find(o, "BackendConfig", "novastream-api").spec.connectionDraining,
    /drainingTimeoutSec 0/,
  ],
  [
    "Kong's default read timeout",
    "outlives idle timers by its heartbeats",
    "kong-gke",
    (o) => delete streaming(o).metadata.annotations["konghq.com/read-timeout"],
    /default of 60 s/,
  ],
  [
    "a read timeout of an hour",
    "outlives idle timers by its heartbeats",
    "kong-gke",
    (o) => (streaming(o).metadata.annotations["konghq.com/read-timeout"] = "3600000"),
    /keeps dead peers/,
  ],
  [
    "heartbeats as slow as nginx's timer",
    "outlives idle timers by its heartbeats",
    "ingress-nginx-legacy",
    (o) => (data(o).HEARTBEAT_INTERVAL = "5m"),
    /between two heartbeats/,
  ],
  [
    "a stream through the Service for the rest",
    "routes by what may stream",
    "gke-gateway",
    (o) =>
      (find(o, "HTTPRoute", "novastream-streaming").spec.rules[0].backendRefs[0].name =
        "novastream-api"),
    /may stream, and goes to novastream-api/,
  ],
  [
    "a path that is not reached",
    "routes by what may stream",
    "apisix",
    (o) => find(o, "ApisixRoute", "novastream").spec.http.pop(),
    /\/v1\/models is not reached/,
  ],
  [
    "metrics for everybody",
    "routes by what may stream",
    "kong-gke",
    (o) => (find(o, "Ingress", "novastream-api").spec.rules[0].http.paths[0].path = "/metrics"),
    /\/metrics is reached from outside/,
  ],
  [
    "an answer that Kong buffers",
    "holds no stream back",
    "kong-gke",
    (o) => delete ingress(o).metadata.annotations["konghq.com/response-buffering"],
    /response-buffering must be "false"/,
  ],
  [
    "an upload that Kong buffers",
    "holds no stream back",
    "kong-gateway-api",
    (o) =>
      (find(o, "HTTPRoute", "novastream-streaming").metadata.annotations[
        "konghq.com/request-buffering"
      ] = "true"),
    /request-buffering must be "false"/,
  ],
  [
    "timeouts on a route, where GKE does not read them",
    "holds no stream back",
    "gke-gateway",
    (o) =>
      (find(o, "HTTPRoute", "novastream-streaming").spec.rules[0].timeouts = { request: "1h" }),
    /timeouts is not what/,
  ],
  [
    "an answer that nginx may buffer",
    "holds no stream back",
    "ingress-nginx-legacy",
    (o) => (ingress(o).metadata.annotations["nginx.ingress.kubernetes.io/proxy-buffering"] = "on"),
    /proxy-buffering must be "off"/,
  ],
  [
    "Traefik's buffering",
    "holds no stream back",
    "traefik-gke",
    (o) => (find(o, "Middleware", "novastream-in-flight").spec = { buffering: {} }),
    /buffering holds streams back/,
  ],
  [
    "APISIX without its plugin",
    "holds no stream back",
    "apisix",
    (o) => find(o, "ApisixRoute", "novastream").spec.http[0].plugins.shift(),
    /answers are buffered/,
  ],
  [
    "APISIX without WebSockets",
    "holds no stream back",
    "apisix",
    (o) => delete find(o, "ApisixRoute", "novastream").spec.http[0].websocket,
    /WebSockets are refused/,
  ],
  [
    "an interval that flushes",
    "believes no folklore",
    "traefik-gke",
    (o) =>
      (find(o, "IngressRoute", "novastream").spec.routes[0].services[0].responseForwarding = {
        flushInterval: "50ms",
      }),
    /not read for streams/,
  ],
  [
    "a middleware that upgrades",
    "believes no folklore",
    "traefik-gke",
    (o) =>
      add(o, {
        kind: "Middleware",
        metadata: { name: "ws" },
        spec: { headers: { customRequestHeaders: { Connection: "Upgrade" } } },
      }),
    /breaks plain requests/,
  ],
  [
    "a plugin for WebSockets",
    "believes no folklore",
    "kong-gke",
    (o) =>
      add(o, { kind: "KongPlugin", metadata: { name: "ws" }, plugin: "websocket", config: {} }),
    /there is no such plugin/,
  ],
  [
    "a plugin that frames",
    "believes no folklore",
    "kong-gke",
    (o) =>
      add(o, {
        kind: "KongPlugin",
        metadata: { name: "sse" },
        plugin: "response-transformer",
        config: { add: { headers: ["Transfer-Encoding: chunked"] } },
      }),
    /framing is the runtime's/,
  ],
  [
    "every origin with credentials",
    "believes no folklore",
    "kong-gke",
    (o) => (find(o, "KongPlugin", "novastream-cors").config.origins = ["*"]),
    /act as the user/,
  ],
  [
    "balancing by latency",
    "believes no folklore",
    "kong-gke",
    (o) => (find(o, "KongUpstreamPolicy", "novastream").spec.algorithm = "latency"),
    /do not end/,
  ],
];
