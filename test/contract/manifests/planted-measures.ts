import { find, type Planted } from "./breaking.ts";

/** In what autoscalers measure. */
export const PLANTED_MEASURES: readonly Planted[] = [
  [
    "no connections where nothing is measured",
    "scales before it is full",
    "traefik-gke",
    (o) => delete find(o, "ScaledObject", "novastream").spec.triggers[0].metadata.ignoreNullValues,
    /takes pods away when nothing is measured/,
  ],
  [
    "a label that GKE may refuse",
    "scales before it is full",
    "gke-gateway-preview",
    (o) =>
      (find(o, "AutoscalingMetric", "novastream").spec.metrics[0].pod.selector.matchLabels = {
        "app.kubernetes.io/name": "novastream",
      }),
    /may refuse the label app\.kubernetes\.io\/name/,
  ],
];
