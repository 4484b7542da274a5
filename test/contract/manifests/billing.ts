import { variablesOf } from "./environment.ts";
import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";

/** Whoever reaches a model that is paid for has shown who they are: the service itself asks nobody. */
export function billingProblems(overlay: Overlay): string[] {
  if (!("AI_API_KEY" in variablesOf(overlay))) return [];
  const authenticating = new Set(
    allOf(overlay, "KongPlugin")
      .filter(({ plugin }) => plugin === "jwt")
      .map(({ metadata }) => metadata.name as string),
  );
  const asks = ({ metadata }: Manifest): boolean =>
    String(metadata.annotations?.["konghq.com/plugins"])
      .split(",")
      .some((name) => authenticating.has(name));
  return allOf(overlay, "Ingress", "HTTPRoute", "IngressRoute", "ApisixRoute")
    .filter((route) => !asks(route))
    .map((route) => `${named(route)} leads anybody to a model that you pay for`);
}
