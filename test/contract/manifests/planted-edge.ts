import { data, find, remove, type Planted } from "./breaking.ts";

/** In where metrics are read, where objects stand, and whose word is taken for a client's address. */
export const PLANTED_EDGE: readonly Planted[] = [
  [
    "metrics at another path",
    "is scraped where its metrics are",
    "apisix",
    (o) => (find(o, "PodMonitor", "novastream").spec.podMetricsEndpoints[0].path = "/metric"),
    /PodMonitor\/novastream reads \/metric,/,
  ],
  [
    "metrics at the health check",
    "is scraped where its metrics are",
    "kong-gke",
    (o) => (find(o, "PodMonitoring", "novastream").spec.endpoints[0].path = "/readyz"),
    /PodMonitoring\/novastream reads \/readyz,/,
  ],
  [
    "metrics every five minutes",
    "is scraped where its metrics are",
    "apisix",
    (o) => (find(o, "PodMonitor", "novastream").spec.podMetricsEndpoints[0].interval = "5m"),
    /reads every 5m/,
  ],
  [
    "a policy in another namespace",
    "stands in one namespace",
    "kong-gke",
    (o) => (find(o, "NetworkPolicy", "novastream-from-kong").metadata.namespace = "kong"),
    /NetworkPolicy\/novastream-from-kong is in kong/,
  ],
  [
    "a namespace that nobody makes",
    "stands in one namespace",
    "local",
    (o) => remove(o, "Namespace", "novastream"),
    /nobody makes the namespace novastream/,
  ],
  [
    "everybody's X-Forwarded-For",
    "knows its edge",
    "kong-gke",
    (o) => (data(o).TRUSTED_PROXIES = "0.0.0.0/0"),
    /TRUSTED_PROXIES: 0\.0\.0\.0\/0 is anybody/,
  ],
  [
    "half of everybody's X-Forwarded-For",
    "knows its edge",
    "traefik-gke",
    (o) => (data(o).TRUSTED_PROXIES = "private,128.0.0.0/1"),
    /TRUSTED_PROXIES: 128\.0\.0\.0\/1 is anybody/,
  ],
  [
    "Google's proxies without the load balancer's own address",
    "knows its edge",
    "gke-gateway",
    (o) => (data(o).TRUSTED_PROXIES = "130.211.0.0/22,35.191.0.0/16"),
    /TRUSTED_PROXIES has no address of the load balancer/,
  ],
  [
    "half of Google's proxies trusted",
    "knows its edge",
    "gke-ingress",
    (o) => (data(o).TRUSTED_PROXIES = "130.211.0.0/22,203.0.113.10"),
    /TRUSTED_PROXIES has not 35\.191\.0\.0\/16/,
  ],
];
