import type { Overlay } from "./rendered.ts";

/** Which gateways lead to the service, by their classes. */
export function gatewaysOf(overlay: Overlay): ReadonlySet<string> {
  const classes = overlay.manifests.flatMap(({ kind, spec, metadata }): string[] => {
    if (kind === "Ingress")
      return [spec.ingressClassName ?? metadata.annotations?.["kubernetes.io/ingress.class"]];
    if (kind === "Gateway") return [spec.gatewayClassName];
    if (kind === "ApisixRoute") return [spec.ingressClassName];
    return kind === "IngressRoute" ? ["traefik"] : [];
  });
  return new Set(classes.map((name) => (/^gke-|^gce/.test(name) ? "google" : name)));
}
