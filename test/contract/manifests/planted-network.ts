import { data, find, remove, type Planted } from "./breaking.ts";
import { allOf, type Manifest, type Overlay } from "./rendered.ts";

const policy = (overlay: Overlay, name: string): Manifest =>
  find(overlay, "NetworkPolicy", name).spec;

/** In who may speak to whom. */
export const PLANTED_NETWORK: readonly Planted[] = [
  [
    "no way out to Redis",
    "reaches what it needs",
    "local",
    (o) => remove(o, "NetworkPolicy", "novastream-to-redis"),
    /^redis: no policy lets out to namespace novastream at TCP 6379/,
  ],
  [
    "no way in to Redis",
    "reaches what it needs",
    "local",
    (o) => (policy(o, "redis").ingress = []),
    /^redis: no policy lets in from namespace novastream at TCP 6379/,
  ],
  [
    "no way out to the name servers",
    "reaches what it needs",
    "local",
    (o) => (policy(o, "novastream").egress = []),
    /a name server: no policy lets out to namespace kube-system at UDP 53/,
  ],
  [
    "names over UDP alone",
    "reaches what it needs",
    "local",
    (o) => policy(o, "novastream").egress[0].ports.pop(),
    /at TCP 53/,
  ],
  [
    "no way out to GKE's name server",
    "reaches what it needs",
    "gke-gateway",
    (o) => {
      for (const { to } of policy(o, "novastream").egress)
        for (const { ipBlock } of to) if (ipBlock) ipBlock.cidr = "169.254.20.10/32";
    },
    /name server: no policy lets out to 169\.254\.169\.254/,
  ],
  [
    "half of Google's proxies",
    "reaches what it needs",
    "gke-gateway",
    (o) => policy(o, "novastream-from-google-load-balancer").ingress[0].from.pop(),
    /Google's load balancer: no policy lets in from 35\.191\.0\.1/,
  ],
  [
    "Google's proxies at another port",
    "reaches what it needs",
    "gke-ingress",
    (o) => (policy(o, "novastream-from-google-load-balancer").ingress[0].ports[0].port = 80),
    /lets in from 130\.211\.0\.1 at TCP 8080/,
  ],
  [
    "no way in for Kong",
    "reaches what it needs",
    "kong-gke",
    (o) => remove(o, "NetworkPolicy", "novastream-from-kong"),
    /^kong: no policy lets in from namespace kong/,
  ],
  [
    "no way in for Traefik",
    "reaches what it needs",
    "traefik-gke",
    (o) => remove(o, "NetworkPolicy", "novastream-from-traefik"),
    /^traefik: no policy/,
  ],
  [
    "no way in for Prometheus",
    "reaches what it needs",
    "apisix",
    (o) => remove(o, "NetworkPolicy", "novastream-from-monitoring"),
    /^Prometheus: no policy/,
  ],
  [
    "no way in for managed collection",
    "reaches what it needs",
    "kong-gke",
    (o) => policy(o, "novastream-from-gmp").ingress[0].from.pop(),
    /lets in from namespace gke-gmp-system/,
  ],
  [
    "Memorystore's nodes closed",
    "reaches what it needs",
    "kong-gke",
    (o) => policy(o, "novastream-to-memorystore").egress[0].ports.pop(),
    /REDIS_URL: no policy lets out to 10\.20\.0\.2 at TCP 11000/,
  ],
  [
    "some of Memorystore's nodes closed",
    "reaches what it needs",
    "gke-ingress",
    (o) => delete policy(o, "novastream-to-memorystore").egress[0].ports[1].endPort,
    /at TCP 13047/,
  ],
  [
    "an instance beyond the policy's range",
    "reaches what it needs",
    "traefik-gke",
    (o) => (data(o).REDIS_URL = "rediss+cluster://10.30.0.2:6379"),
    /REDIS_URL: no policy lets out to 10\.30\.0\.2 at TCP 6379/,
  ],
  [
    "a model that it may not ask",
    "reaches what it needs",
    "kong-gke-jwt",
    (o) => (data(o).AI_BASE_URL = "http://models.example.com:8000/v1"),
    /the model at models\.example\.com: no policy lets out to \S+ at TCP 8000/,
  ],
  [
    "a way out to everything",
    "is closed to the network",
    "local",
    (o) => policy(o, "novastream").egress.push({}),
    /lets its pods out to all\n.*any port/,
  ],
  [
    "a way out to all addresses",
    "is closed to the network",
    "local",
    (o) => (policy(o, "novastream-to-redis").egress[0].to = [{ ipBlock: { cidr: "0.0.0.0/0" } }]),
    /out to 0\.0\.0\.0\/0, with neighbours/,
  ],
  [
    "the metadata server for whom models are asked by",
    "is closed to the network",
    "kong-gke-jwt",
    (o) => {
      const [{ ipBlock }] = policy(o, "novastream-to-models").egress[0].to;
      ipBlock.except = ipBlock.except.filter((cidr: string) => !cidr.startsWith("169.254."));
    },
    /metadata server/,
  ],
  [
    "a way in from every namespace",
    "is closed to the network",
    "kong-gke",
    (o) => (policy(o, "novastream-from-kong").ingress[0].from[0].namespaceSelector = {}),
    /opens to every namespace/,
  ],
  [
    "a way in from all addresses",
    "is closed to the network",
    "gke-gateway",
    (o) =>
      policy(o, "novastream-from-google-load-balancer").ingress[0].from.push({
        ipBlock: { cidr: "0.0.0.0/0" },
      }),
    /lets in 0\.0\.0\.0\/0/,
  ],
  [
    "a Redis that anybody reaches",
    "is closed to the network",
    "local",
    (o) => {
      for (const { spec } of allOf(o, "NetworkPolicy"))
        if (spec.podSelector.matchLabels["app.kubernetes.io/component"] === "log")
          spec.policyTypes = ["Egress"];
    },
    /StatefulSet\/redis may be reached/,
  ],
  [
    "a way out that is not of its policy's types",
    "reaches what it needs",
    "local",
    (o) => (policy(o, "novastream-to-redis").policyTypes = ["Ingress"]),
    /redis: no policy lets out/,
  ],
  [
    "every port above 1",
    "is closed to the network",
    "kong-gke",
    (o) => (policy(o, "novastream-to-memorystore").egress[0].ports[1].port = 1),
    /opens the ports from 1 to 13047/,
  ],
];
