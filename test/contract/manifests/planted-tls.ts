import { find, ingress, type Planted } from "./breaking.ts";

const RULE = "answers nothing in the clear";

/** In what is answered without TLS. */
export const PLANTED_TLS: readonly Planted[] = [
  [
    "Kong's Ingress at both ports",
    RULE,
    "kong-gke",
    (o) => delete ingress(o).metadata.annotations["konghq.com/protocols"],
    /Ingress\/novastream-streaming: answers in the clear/,
  ],
  [
    "Kong's route at both ports",
    RULE,
    "kong-gateway-api",
    (o) =>
      delete find(o, "HTTPRoute", "novastream-api").metadata.annotations["konghq.com/protocols"],
    /HTTPRoute\/novastream-api: answers in the clear/,
  ],
  [
    "426 in place of a redirect",
    RULE,
    "kong-gateway-api",
    (o) =>
      delete find(o, "HTTPRoute", "novastream-streaming").metadata.annotations[
        "konghq.com/https-redirect-status-code"
      ],
    /answers in the clear/,
  ],
  [
    "an Ingress without a certificate",
    RULE,
    "ingress-nginx-legacy",
    (o) => delete ingress(o).spec.tls,
    /no certificate for stream\.example\.com/,
  ],
  [
    "a certificate for another host",
    RULE,
    "kong-gke",
    (o) => (ingress(o).spec.tls[0].hosts = ["other.example.com"]),
    /no certificate for stream\.example\.com/,
  ],
  [
    "GKE's Ingress without its certificate",
    RULE,
    "gke-ingress",
    (o) =>
      delete find(o, "Ingress", "novastream").metadata.annotations[
        "networking.gke.io/managed-certificates"
      ],
    /has no certificate/,
  ],
  [
    "GKE's Ingress without a redirect",
    RULE,
    "gke-ingress",
    (o) => (find(o, "FrontendConfig", "novastream").spec.redirectToHttps.enabled = false),
    /answers in the clear/,
  ],
  [
    "GKE's Gateway without its certificates",
    RULE,
    "gke-gateway",
    (o) => delete find(o, "Gateway", "novastream").metadata.annotations,
    /https has no certificate/,
  ],
  [
    "streams at GKE's open listener",
    RULE,
    "gke-gateway",
    (o) => (find(o, "HTTPRoute", "novastream-streaming").spec.parentRefs[0].sectionName = "http"),
    /HTTPRoute\/novastream-streaming: answers in the clear/,
  ],
  [
    "streams at every listener",
    RULE,
    "gke-gateway",
    (o) => delete find(o, "HTTPRoute", "novastream-api").spec.parentRefs[0].sectionName,
    /HTTPRoute\/novastream-api: answers in the clear/,
  ],
  [
    "a redirect that stays in the clear",
    RULE,
    "gke-gateway",
    (o) =>
      delete find(o, "HTTPRoute", "novastream-to-https").spec.rules[0].filters[0].requestRedirect
        .scheme,
    /novastream-to-https: answers in the clear/,
  ],
  [
    "Traefik's open entry point",
    RULE,
    "traefik-gke",
    (o) => (find(o, "IngressRoute", "novastream").spec.entryPoints = ["web", "websecure"]),
    /answers in the clear/,
  ],
  [
    "Traefik's uploads without a certificate",
    RULE,
    "traefik-gke",
    (o) => (find(o, "IngressRoute", "novastream-uploads").spec.tls = {}),
    /novastream-uploads: has no certificate/,
  ],
  [
    "APISIX without a certificate",
    RULE,
    "apisix",
    (o) => (find(o, "ApisixTls", "novastream").spec.hosts = ["other.example.com"]),
    /no certificate for stream\.example\.com/,
  ],
  [
    "APISIX without a redirect",
    RULE,
    "apisix",
    (o) => find(o, "ApisixRoute", "novastream").spec.http[1].plugins.pop(),
    /novastream api: answers in the clear/,
  ],
];
