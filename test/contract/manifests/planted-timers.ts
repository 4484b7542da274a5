import { find, remove, streaming, type Planted } from "./breaking.ts";
import type { Overlay } from "./rendered.ts";

const service = (overlay: Overlay): Record<string, string> =>
  streaming(overlay).metadata.annotations;

/** In how long gateways wait, and which pod they choose. */
export const PLANTED_TIMERS: readonly Planted[] = [
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
  [
    "two connections for all publishers",
    "is waited for as long as it may take",
    "traefik-gke",
    (o) => delete find(o, "ServersTransport", "novastream").spec.maxIdleConnsPerHost,
    /a handshake for each publish/,
  ],
  [
    "Kong's own minute to connect",
    "is waited for as long as it may take",
    "kong-gateway-api",
    (o) => delete service(o)["konghq.com/connect-timeout"],
    /novastream-streaming konghq.com\/connect-timeout of 60000 waits/,
  ],
  [
    "Traefik's own timers",
    "is waited for as long as it may take",
    "traefik-gke",
    (o) => delete find(o, "IngressRoute", "novastream").spec.routes[0].services[0].serversTransport,
    /no serversTransport/,
  ],
  [
    "no ApisixUpstream",
    "fills the emptiest pod first",
    "apisix",
    (o) => remove(o, "ApisixUpstream", "novastream-api"),
    /Service\/novastream-api: no ApisixUpstream/,
  ],
];
