import { isIP } from "node:net";
import { configOf } from "./environment.ts";
import { gatewaysOf } from "./gateways.ts";
import { allOf, named, type Overlay } from "./rendered.ts";

/** Google's proxies, which add the load balancer's own address at the end of X-Forwarded-For. */
const GOOGLE = ["130.211.0.0/22", "35.191.0.0/16"];
/** No network of one's own is as wide. */
const WIDE = 7;

function proxyProblems(overlay: Overlay): string[] {
  const { trustedProxies } = configOf(overlay);
  const problems = trustedProxies
    .filter((entry) => Number(entry.split("/")[1] ?? 32) < WIDE)
    .map((entry) => `TRUSTED_PROXIES: ${entry} is anybody, who then chooses an address`);
  if (!gatewaysOf(overlay).has("google")) return problems;
  const reserved = allOf(overlay, "Gateway", "Ingress").every(
    ({ spec, metadata }) =>
      spec.addresses?.length > 0 ||
      metadata.annotations?.["kubernetes.io/ingress.global-static-ip-name"],
  );
  if (!reserved)
    problems.push("the load balancer has no reserved address, which TRUSTED_PROXIES would name");
  for (const range of GOOGLE)
    if (!trustedProxies.includes(range)) problems.push(`TRUSTED_PROXIES has not ${range}`);
  if (!trustedProxies.some((entry) => isIP(entry) !== 0))
    problems.push(
      "TRUSTED_PROXIES has no address of the load balancer, which all clients then have",
    );
  return problems;
}

/** Browsers' origins stand in one list, and whose X-Forwarded-For is believed where there is a gateway. */
export function edgeProblems(overlay: Overlay): string[] {
  const config = configOf(overlay);
  const problems = allOf(overlay, "KongPlugin")
    .filter(({ plugin }) => plugin === "cors")
    .filter(({ config: { origins } }) => String(origins) !== config.corsOrigins.join())
    .map((plugin) => `${named(plugin)}: origins are not those of CORS_ORIGINS`);
  const gateway = gatewaysOf(overlay).size > 0;
  if (!gateway && config.trustedProxies.length > 0)
    problems.push("TRUSTED_PROXIES, and no route of any gateway: who speaks chooses an address");
  if (gateway && config.trustedProxies.length === 0)
    problems.push("without TRUSTED_PROXIES every client has the gateway's address");
  if (gateway && config.admission.maxPerAddress === 0)
    problems.push("without MAX_CONNECTIONS_PER_ADDRESS one client may take every stream");
  if (gateway && config.corsOrigins.includes("*")) problems.push("any page may call");
  return [...problems, ...proxyProblems(overlay)];
}
