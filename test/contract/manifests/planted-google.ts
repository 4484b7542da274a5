import { add, find, remove, streaming, type Planted } from "./breaking.ts";
import type { Manifest, Overlay } from "./rendered.ts";

const RULE = "is known to its load balancer";

const policy = (overlay: Overlay, kind: string): Manifest =>
  find(overlay, kind, "novastream-streaming").spec;
const annotations = (overlay: Overlay, name: string): Record<string, string> =>
  find(overlay, "Service", name).metadata.annotations;

/** In what Google's load balancers are told of a Service. */
export const PLANTED_GOOGLE: readonly Planted[] = [
  [
    "no policy for streams",
    RULE,
    "gke-gateway",
    (o) => remove(o, "GCPBackendPolicy", "novastream-streaming"),
    /Service\/novastream-streaming has 0 GCPBackendPolicy/,
  ],
  [
    "both policies on one Service",
    RULE,
    "gke-gateway",
    (o) => (policy(o, "GCPBackendPolicy").targetRef.name = "novastream-api"),
    /novastream-api has 2 GCPBackendPolicy[^]*novastream-streaming has 0 GCPBackendPolicy/,
  ],
  [
    "no check of health",
    RULE,
    "gke-gateway",
    (o) => remove(o, "HealthCheckPolicy", "novastream-api"),
    /Service\/novastream-api has 0 HealthCheckPolicy/,
  ],
  [
    "two checks of health",
    RULE,
    "gke-gateway",
    (o) => add(o, structuredClone(find(o, "HealthCheckPolicy", "novastream-api"))),
    /Service\/novastream-api has 2 HealthCheckPolicy/,
  ],
  [
    "health asked at /",
    RULE,
    "gke-gateway",
    (o) => delete policy(o, "HealthCheckPolicy").default.config.httpHealthCheck.requestPath,
    /Service\/novastream-streaming: asks \/, not \/readyz/,
  ],
  [
    "health asked at the Service's port",
    RULE,
    "gke-gateway",
    (o) => (policy(o, "HealthCheckPolicy").default.config.httpHealthCheck.port = 80),
    /asks port 80, not the pods' 8080/,
  ],
  [
    "health asked by a connection alone",
    RULE,
    "gke-gateway",
    (o) => (policy(o, "HealthCheckPolicy").default.config.type = "TCP"),
    /asks by TCP/,
  ],
  [
    "a check longer than its interval",
    RULE,
    "gke-gateway",
    (o) => (policy(o, "HealthCheckPolicy").default.timeoutSec = 10),
    /waits 10 s of every 5/,
  ],
  [
    "liveness in place of readiness",
    RULE,
    "gke-ingress",
    (o) => (policy(o, "BackendConfig").healthCheck.requestPath = "/livez"),
    /asks \/livez, not \/readyz/,
  ],
  [
    "a BackendConfig without its check",
    RULE,
    "gke-ingress",
    (o) => delete policy(o, "BackendConfig").healthCheck,
    /has 0 BackendConfig with a healthCheck/,
  ],
  [
    "a Service without its BackendConfig",
    RULE,
    "gke-ingress",
    (o) => delete annotations(o, "novastream-api")["cloud.google.com/backend-config"],
    /Service\/novastream-api has 0 BackendConfig/,
  ],
  [
    "no NEG",
    RULE,
    "gke-ingress",
    (o) => delete streaming(o).metadata.annotations["cloud.google.com/neg"],
    /Service\/novastream-streaming is behind nodes/,
  ],
  [
    "BackendConfigs that are swapped",
    "is not cut by its load balancer",
    "gke-ingress",
    (o) => {
      const [one, other] = ["novastream-streaming", "novastream-api"];
      for (const [service, config] of [
        [one, other],
        [other, one],
      ] as const)
        annotations(o, service)["cloud.google.com/backend-config"] = `{"default": "${config}"}`;
    },
    /BackendConfig\/novastream-api, of Service\/novastream-streaming: timeoutSec 30 cuts streams/,
  ],
  [
    "a timeout above the load balancer's own life",
    "is not cut by its load balancer",
    "gke-gateway",
    (o) => (policy(o, "GCPBackendPolicy").default.timeoutSec = 100_000),
    /more than the load balancer's own life/,
  ],
  [
    "an hour for what does not stream",
    "is not cut by its load balancer",
    "gke-gateway",
    (o) => (find(o, "GCPBackendPolicy", "novastream-api").spec.default.timeoutSec = 3_600),
    /Service\/novastream-api: timeoutSec 3600 waits for what hangs/,
  ],
  [
    "a policy of another group's Service",
    RULE,
    "gke-gateway",
    (o) => (policy(o, "GCPBackendPolicy").targetRef.group = "gateway.networking.k8s.io"),
    /novastream-streaming has 0 GCPBackendPolicy/,
  ],
  [
    "an end after one slow answer",
    RULE,
    "gke-gateway",
    (o) => (policy(o, "HealthCheckPolicy").default.unhealthyThreshold = 1),
    /takes one slow answer for an end/,
  ],
  [
    "pods that are away for minutes",
    RULE,
    "gke-ingress",
    (o) => (policy(o, "BackendConfig").healthCheck.checkIntervalSec = 60),
    /learns after 120 s that a pod is away[^]*60 s that a pod is back/,
  ],
  [
    "a second for what does not stream",
    "is not cut by its load balancer",
    "gke-ingress",
    (o) => (find(o, "BackendConfig", "novastream-api").spec.timeoutSec = 1),
    /timeoutSec 1 cuts requests/,
  ],
  [
    "a drain of hours",
    "is not cut by its load balancer",
    "gke-gateway",
    (o) => (policy(o, "GCPBackendPolicy").default.connectionDraining.drainingTimeoutSec = 7_200),
    /7200 is more than the load balancer takes/,
  ],
];
