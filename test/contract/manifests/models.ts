import { kongRoutes, pluginsOn } from "./kong.ts";
import { variablesOf } from "./environment.ts";
import { allOf, named, type Overlay } from "./rendered.ts";

const ROUTES = ["Ingress", "HTTPRoute", "IngressRoute", "ApisixRoute"];

/** Each question to a model with a key costs money: only who is known may ask, and by `?user=` nobody is. */
export function modelProblems(overlay: Overlay): string[] {
  if (variablesOf(overlay)["AI_API_KEY"] === undefined) return [];
  const known = new Set(
    kongRoutes(overlay).filter((route) => pluginsOn(overlay, route, "jwt").length > 0),
  );
  return allOf(overlay, ...ROUTES)
    .filter((route) => !known.has(route))
    .map((route) => `${named(route)} lets anybody ask the model that AI_API_KEY pays`);
}
