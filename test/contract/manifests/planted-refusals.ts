import { find, ingress, streaming, type Planted } from "./breaking.ts";

/** In what gateways refuse, and in what they ask twice. */
export const PLANTED_REFUSALS: readonly Planted[] = [
  [
    "Kong's five tries",
    "holds no stream back",
    "kong-gke",
    (o) => delete streaming(o).metadata.annotations["konghq.com/retries"],
    /retries must be "1"/,
  ],
  [
    "no second try of what Kong could not connect",
    "holds no stream back",
    "kong-gateway-api",
    (o) => (streaming(o).metadata.annotations["konghq.com/retries"] = "0"),
    /retries must be "1"/,
  ],
  [
    "Kong's limit on streams",
    "holds no stream back",
    "kong-gke",
    (o) =>
      (ingress(o).metadata.annotations["konghq.com/plugins"] =
        "novastream-cors,novastream-rate-limit"),
    /ends an EventSource for good/,
  ],
  [
    "Traefik's limit on streams",
    "holds no stream back",
    "traefik-gke",
    (o) =>
      (find(o, "IngressRoute", "novastream").spec.routes[1].middlewares = [
        { name: "novastream-in-flight" },
      ]),
    /ends an EventSource for good/,
  ],
  [
    "Traefik's second try of a POST",
    "holds no stream back",
    "traefik-gke",
    (o) =>
      (find(o, "IngressRoute", "novastream").spec.routes[1].middlewares = [
        { name: "novastream-connect-again" },
      ]),
    /retry collects bodies/,
  ],
  [
    "APISIX' tries, of as many as there are pods",
    "holds no stream back",
    "apisix",
    (o) => delete find(o, "ApisixUpstream", "novastream-api").spec.retries,
    /retries must be 1/,
  ],
  [
    "nginx's limit of a megabyte",
    "holds no stream back",
    "ingress-nginx-legacy",
    (o) => delete ingress(o).metadata.annotations["nginx.ingress.kubernetes.io/proxy-body-size"],
    /proxy-body-size must be "0"/,
  ],
  [
    "nginx's second try of what takes long",
    "holds no stream back",
    "ingress-nginx-legacy",
    (o) =>
      (ingress(o).metadata.annotations["nginx.ingress.kubernetes.io/proxy-next-upstream"] =
        "error timeout"),
    /proxy-next-upstream must be "error"/,
  ],
];
