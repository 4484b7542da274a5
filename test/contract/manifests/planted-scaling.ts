import { container, find, type Planted } from "./breaking.ts";
import type { Manifest, Overlay } from "./rendered.ts";

const trigger = (overlay: Overlay): Manifest =>
  find(overlay, "ScaledObject", "novastream").spec.triggers[0];
const hpa = (overlay: Overlay): Manifest =>
  find(overlay, "HorizontalPodAutoscaler", "novastream").spec;

/** In how pods are counted. */
export const PLANTED_SCALING: readonly Planted[] = [
  [
    "scaling down at once",
    "scales on what can be measured",
    "kong-gke",
    (o) => (hpa(o).behavior.scaleDown.stabilizationWindowSeconds = 0),
    /takes pods away after 0 s of quiet/,
  ],
  [
    "KEDA's scaling down at once",
    "scales on what can be measured",
    "traefik-gke",
    (o) =>
      (find(
        o,
        "ScaledObject",
        "novastream",
      ).spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds =
        0),
    /ScaledObject\/novastream takes pods away after 0 s/,
  ],
  [
    "a share of CPU that is not asked",
    "scales on what can be measured",
    "kong-gke",
    (o) => delete container(o).resources.requests.cpu,
    /share of what is asked of CPU, and nothing is asked/,
  ],
  [
    "KEDA's share of CPU that is not asked",
    "scales on what can be measured",
    "traefik-gke",
    (o) => delete container(o).resources.requests.cpu,
    /ScaledObject\/novastream scales on a share/,
  ],
  [
    "no more pods than at least",
    "scales on what can be measured",
    "kong-gke",
    (o) => (hpa(o).maxReplicas = 3),
    /no more than 3 pods for 3/,
  ],
  [
    "a ScaledObject elsewhere",
    "scales on what can be measured",
    "traefik-gke",
    (o) => (find(o, "ScaledObject", "novastream").metadata.namespace = "keda"),
    /is in keda, and its pods in novastream/,
  ],
  [
    "connections of another namespace",
    "scales on what can be measured",
    "traefik-gke",
    (o) =>
      (trigger(o).metadata.query = 'sum(streaming_active_connections{namespace="production"})'),
    /asks for namespace production/,
  ],
  [
    "all pods' connections against one pod's threshold",
    "scales on what can be measured",
    "traefik-gke",
    (o) => (trigger(o).metricType = "Value"),
    /counts by Value/,
  ],
  [
    "all pods that are not needed at once",
    "scales on what can be measured",
    "kong-gke",
    (o) => delete hpa(o).behavior.scaleDown.policies,
    /takes all pods away at once/,
  ],
  [
    "half of the pods at once",
    "scales on what can be measured",
    "kong-gke",
    (o) => Object.assign(hpa(o).behavior.scaleDown.policies[0], { type: "Percent", value: 50 }),
    /takes 50 Percent away at once/,
  ],
  [
    "a wave that is waited out",
    "scales on what can be measured",
    "kong-gke",
    (o) => (hpa(o).behavior.scaleUp.stabilizationWindowSeconds = 600),
    /adds pods after 600 s/,
  ],
  [
    "nothing to scale on",
    "scales on what can be measured",
    "kong-gke",
    (o) => delete hpa(o).metrics,
    /does not scale on CPU/,
  ],
  [
    "all of what is asked of CPU",
    "scales on what can be measured",
    "kong-gke",
    (o) => (hpa(o).metrics[0].resource.target.averageUtilization = 100),
    /scales at 100 %/,
  ],
  [
    "KEDA's share of CPU that is none",
    "scales on what can be measured",
    "traefik-gke",
    (o) => delete find(o, "ScaledObject", "novastream").spec.triggers[1].metadata.value,
    /scales at NaN %/,
  ],
  [
    "a threshold that is no number",
    "scales on what can be measured",
    "traefik-gke",
    (o) => (trigger(o).metadata.threshold = "7k"),
    /scales at 7k connections/,
  ],
  [
    "a Prometheus without its protocol",
    "scales on what can be measured",
    "traefik-gke",
    (o) => (trigger(o).metadata.serverAddress = "prometheus-operated.monitoring.svc:9090"),
    /no address of a Prometheus/,
  ],
  [
    "a Deployment of another version",
    "scales on what can be measured",
    "gke-ingress",
    (o) => (hpa(o).scaleTargetRef.apiVersion = "extensions/v1beta1"),
    /scales a Deployment of extensions\/v1beta1/,
  ],
  [
    "what is no query",
    "scales on what can be measured",
    "traefik-gke",
    (o) => (trigger(o).metadata.query = "total(streaming_active_connections"),
    /asks what is no query/,
  ],
];
