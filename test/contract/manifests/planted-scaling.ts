import { container, find, remove, type Planted } from "./breaking.ts";
import { deploymentOf, type Manifest, type Overlay } from "./rendered.ts";

const strategy = (overlay: Overlay): Manifest => deploymentOf(overlay).spec.strategy;
const trigger = (overlay: Overlay): Manifest =>
  find(overlay, "ScaledObject", "novastream").spec.triggers[0];
const hpa = (overlay: Overlay): Manifest =>
  find(overlay, "HorizontalPodAutoscaler", "novastream").spec;

/** In how pods come and go, and are counted. */
export const PLANTED_SCALING: readonly Planted[] = [
  [
    "a rollout that may do nothing",
    "is replaced pod by pod",
    "local",
    (o) => (strategy(o).rollingUpdate.maxSurge = 0),
    /is refused: maxSurge and maxUnavailable are both 0/,
  ],
  [
    "a type that takes no bounds",
    "is replaced pod by pod",
    "local",
    (o) => (strategy(o).type = "Recreate"),
    /is refused: type Recreate has no rollingUpdate/,
  ],
  [
    "all pods at once",
    "is replaced pod by pod",
    "local",
    (o) => (deploymentOf(o).spec.strategy = { type: "Recreate" }),
    /takes all pods away/,
  ],
  [
    "nodes that are never drained",
    "is replaced pod by pod",
    "kong-gke",
    (o) => (find(o, "PodDisruptionBudget", "novastream").spec.maxUnavailable = 0),
    /lets no node be drained/,
  ],
  [
    "nodes that take all pods",
    "is replaced pod by pod",
    "kong-gke",
    (o) => (find(o, "PodDisruptionBudget", "novastream").spec.maxUnavailable = 3),
    /lets all pods go at once/,
  ],
  [
    "no budget",
    "is replaced pod by pod",
    "local",
    (o) => remove(o, "PodDisruptionBudget", "novastream"),
    /has 0 PodDisruptionBudgets/,
  ],
  [
    "nodes that wait for pods that never come",
    "is replaced pod by pod",
    "local",
    (o) => delete find(o, "PodDisruptionBudget", "novastream").spec.unhealthyPodEvictionPolicy,
    /keeps nodes for pods/,
  ],
  [
    "a death after a second",
    "is not killed for being busy",
    "local",
    (o) => Object.assign(container(o).livenessProbe, { periodSeconds: 1, failureThreshold: 1 }),
    /Deployment\/novastream is killed, with all its streams, for 1 s/,
  ],
  [
    "answers within a second, or death",
    "is not killed for being busy",
    "local",
    (o) => delete container(o).livenessProbe.timeoutSeconds,
    /slower than 1 s/,
  ],
  [
    "five seconds to start",
    "is not killed for being busy",
    "local",
    (o) => (container(o).startupProbe.failureThreshold = 5),
    /has 5 s to start/,
  ],
  [
    "clients before it is ready",
    "is not killed for being busy",
    "local",
    (o) => delete find(o, "StatefulSet", "redis").spec.template.spec.containers[0].readinessProbe,
    /StatefulSet\/redis gets clients before/,
  ],
  [
    "clients for minutes after it is full",
    "is not killed for being busy",
    "local",
    (o) => (container(o).readinessProbe.failureThreshold = 60),
    /gets clients for 300 s after/,
  ],
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
];
