import { container, find, type Planted } from "./breaking.ts";

const KEY = {
  name: "AI_API_KEY",
  valueFrom: { secretKeyRef: { name: "novastream-ai", key: "api-key" } },
};

/** In who is let to a model that is paid for. */
export const PLANTED_BILLING: readonly Planted[] = [
  ...(["kong-gke", "kong-gateway-api", "traefik-gke", "gke-gateway", "apisix"] as const).map(
    (name): Planted => [
      `a paid model for everybody, behind ${name}`,
      "asks who somebody is before it pays",
      name,
      (o) => container(o).env.push(KEY),
      /leads anybody to a model/,
    ],
  ),
  [
    "tokens on one of two Ingresses",
    "asks who somebody is before it pays",
    "kong-gke-jwt",
    (o) =>
      (find(o, "Ingress", "novastream-api").metadata.annotations["konghq.com/plugins"] =
        "novastream-cors,novastream-rate-limit"),
    /Ingress\/novastream-api leads anybody/,
  ],
];
