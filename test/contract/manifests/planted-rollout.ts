import { find, pod, remove, type Planted } from "./breaking.ts";
import { deploymentOf, type Manifest, type Overlay } from "./rendered.ts";

const strategy = (overlay: Overlay): Manifest => deploymentOf(overlay).spec.strategy;

/** In how pods come and go. */
export const PLANTED_ROLLOUT: readonly Planted[] = [
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
    "all pods on one node",
    "is replaced pod by pod",
    "kong-gke",
    (o) => pod(o).topologySpreadConstraints.pop(),
    /may have all its pods in one kubernetes\.io\/hostname/,
  ],
  [
    "most pods in one zone",
    "is replaced pod by pod",
    "kong-gke",
    (o) => (pod(o).topologySpreadConstraints[0].maxSkew = 10),
    /may have 10 pods more in one topology\.kubernetes\.io\/zone/,
  ],
  [
    "pods of old revisions that count",
    "is replaced pod by pod",
    "kong-gke",
    (o) => delete pod(o).topologySpreadConstraints[0].matchLabelKeys,
    /counts pods of old revisions/,
  ],
  [
    "a deadline before a pod is ready",
    "leaves time to drain",
    "local",
    (o) => (deploymentOf(o).spec.minReadySeconds = 3_600),
    /is refused: progressDeadlineSeconds/,
  ],
];
