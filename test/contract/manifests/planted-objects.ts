import { container, find, ingress, remove, streaming, type Planted } from "./breaking.ts";
import { deploymentOf, type Manifest } from "./rendered.ts";

/** In how objects name, select and annotate each other. */
export const PLANTED_OBJECTS: readonly Planted[] = [
  [
    "a plugin that is not there",
    "names only what is there",
    "kong-gke",
    (o) => (ingress(o).metadata.annotations["konghq.com/plugins"] = "novastream-cros"),
    /KongPlugin\/novastream-cros/,
  ],
  [
    "a middleware that is not there",
    "names only what is there",
    "traefik-gke",
    (o) => (find(o, "IngressRoute", "novastream").spec.routes[0].middlewares = [{ name: "gone" }]),
    /Middleware\/gone/,
  ],
  [
    "a Service that is not there",
    "names only what is there",
    "gke-gateway",
    (o) => (find(o, "GCPBackendPolicy", "novastream-api").spec.targetRef.name = "novastream"),
    /Service\/novastream,/,
  ],
  [
    "a listener that is not there",
    "names only what is there",
    "gke-gateway",
    (o) => (find(o, "HTTPRoute", "novastream-api").spec.parentRefs[0].sectionName = "tls"),
    /Gateway\/novastream#tls/,
  ],
  [
    "a Service's port that is not there",
    "names only what is there",
    "apisix",
    (o) => (find(o, "ApisixRoute", "novastream").spec.http[0].backends[0].servicePort = 8080),
    /novastream-streaming:8080/,
  ],
  [
    "a Secret that nobody makes",
    "names only what is there",
    "kong-gke-jwt",
    (o) =>
      (container(o).env.find(
        (one: Manifest) => one.name === "AI_API_KEY",
      ).valueFrom.secretKeyRef.name = "ai"),
    /Secret\/ai/,
  ],
  [
    "a BackendConfig on no Service",
    "makes nothing that hangs on nothing",
    "gke-ingress",
    (o) => delete streaming(o).metadata.annotations["cloud.google.com/backend-config"],
    /BackendConfig\/novastream-streaming/,
  ],
  [
    "a Service that selects nothing",
    "selects its own pods",
    "local",
    (o) => (streaming(o).spec.selector = { app: "novastream" }),
    /selects 0 kinds/,
  ],
  [
    "a Service that selects Redis, too",
    "selects its own pods",
    "local",
    (o) =>
      (find(o, "StatefulSet", "redis").spec.template.metadata.labels =
        deploymentOf(o).spec.template.metadata.labels),
    /selects 2 kinds/,
  ],
  [
    "a monitor of a port that is not there",
    "selects its own pods",
    "apisix",
    (o) => (find(o, "PodMonitor", "novastream").spec.podMetricsEndpoints[0].port = "metrics"),
    /port metrics/,
  ],
  [
    "pods that anybody reaches",
    "is closed to the network",
    "local",
    (o) => remove(o, "NetworkPolicy", "novastream"),
    /may be reached/,
  ],
  [
    "a policy that lets anybody in",
    "is closed to the network",
    "kong-gke",
    (o) => delete find(o, "NetworkPolicy", "novastream-from-kong").spec.ingress[0].from,
    /lets anybody in/,
  ],
  [
    "a timeout on the Ingress",
    "is annotated where it is read",
    "kong-gke",
    (o) => (ingress(o).metadata.annotations["konghq.com/read-timeout"] = "300000"),
    /is not read on a Ingress/,
  ],
  [
    "a BackendConfig on the Ingress",
    "is annotated where it is read",
    "gke-ingress",
    (o) =>
      (find(o, "Ingress", "novastream").metadata.annotations["cloud.google.com/backend-config"] =
        '{"default": "novastream-api"}'),
    /is not read on a Ingress/,
  ],
  [
    "nginx's annotations on Kong's Ingress",
    "is annotated where it is read",
    "kong-gke",
    (o) => (ingress(o).metadata.annotations["nginx.ingress.kubernetes.io/proxy-buffering"] = "off"),
    /is not read by kong/,
  ],
  [
    "an annotation that nobody knows",
    "is annotated where it is read",
    "kong-gke",
    (o) => (streaming(o).metadata.annotations["konghq.com/send-timeout"] = "60000"),
    /nobody reads konghq.com\/send-timeout/,
  ],
  [
    "a timeout of 0",
    "is annotated where it is read",
    "kong-gke",
    (o) => (streaming(o).metadata.annotations["konghq.com/read-timeout"] = "0"),
    /cannot be 0/,
  ],
  [
    "an annotation on an IngressRoute",
    "is annotated where it is read",
    "traefik-gke",
    (o) =>
      (find(o, "IngressRoute", "novastream").metadata.annotations = {
        "traefik.ingress.kubernetes.io/buffering": "false",
      }),
    /nobody reads/,
  ],
  [
    "an Ingress of no class",
    "belongs to one controller",
    "kong-gke",
    (o) => delete ingress(o).spec.ingressClassName,
    /no controller/,
  ],
  [
    "GKE's Ingress by its field",
    "belongs to one controller",
    "gke-ingress",
    (o) => (find(o, "Ingress", "novastream").spec.ingressClassName = "gce"),
    /or to two/,
  ],
];
