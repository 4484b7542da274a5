import { configOf } from "./environment.ts";
import { allOf, named, type Overlay } from "./rendered.ts";

/** Browsers' origins stand in one list, and whose X-Forwarded-For is believed where there is a gateway. */
export function edgeProblems(overlay: Overlay): string[] {
  const config = configOf(overlay);
  const problems = allOf(overlay, "KongPlugin")
    .filter(({ plugin }) => plugin === "cors")
    .filter(({ config: { origins } }) => String(origins) !== config.corsOrigins.join())
    .map((plugin) => `${named(plugin)}: origins are not those of CORS_ORIGINS`);
  const gateway = allOf(overlay, "Ingress", "Gateway", "IngressRoute", "ApisixRoute").length > 0;
  if (gateway && config.trustedProxies.length === 0)
    problems.push("without TRUSTED_PROXIES every client has the gateway's address");
  if (gateway && config.admission.maxPerAddress === 0)
    problems.push("without MAX_CONNECTIONS_PER_ADDRESS one client may take every stream");
  if (gateway && config.corsOrigins.includes("*")) problems.push("any page may call");
  return problems;
}
