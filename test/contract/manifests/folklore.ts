import type { Overlay } from "./rendered.ts";

/** What circulates about gateways and streaming, and is not so. It is looked for in what is applied, not in comments. */
const FOLKLORE: readonly (readonly [pattern: RegExp, truth: string])[] = [
  [/traefik\.containo\.us/, "Traefik's group is traefik.io since version 3"],
  [/traefik\.ingress\.kubernetes\.io\/(websocket-services|buffering)/, "Traefik never had it"],
  [/"flushInterval"/, "it is not read for streams, which are flushed at once"],
  [/"certResolver"/, "its certificates are each replica's own"],
  [/"(Connection|Upgrade)":"?(keep-alive|upgrade|websocket)/i, "it breaks plain requests"],
  [/transfer-encoding/i, "framing is the runtime's: doubled it is a 502"],
  [/"plugin":"(websocket|request-timeout|sse|streaming)"/, "there is no such plugin"],
  [/"stream_mode"/, "no plugin has it"],
  [/"redis_(host|port|password)"/, "deprecated, and gone in Kong 4: a record redis instead"],
  [/"kind":"(KongIngress|TCPIngress|UDPIngress)"/, "deprecated, and mostly not read any more"],
  [/konghq\.com\/(send-timeout|timeout|buffering|websocket)"/, "Kong's controller never had it"],
  [/"algorithm":"latency"/, "it measures answers that do not end"],
  [/"disable_buffering"/, "proxy-rewrite takes it without complaint, and never reads it"],
  [/chunked_transfer_encoding/, "on is the default, and off loses the framing"],
  [/X-Accel-Buffering/, "nginx takes it away: the service sends it, and a gateway does not"],
  [/"Access-Control-Allow-Origin"/, "without preflights it is half of CORS"],
  [/"origins":\["\*"\]/, "with credentials any page may act as the user"],
  [/configuration-snippet|server-snippet/, "ingress-nginx refuses it by default"],
  [
    /"(proxy-read-timeout|konghq\.com\/read-timeout)":"(3600|3600000|86400)"/,
    "an idle timer: it keeps dead peers",
  ],
  [
    /"(backendRequest|request)":"0s"/,
    "Kong's controller makes it a timeout of 0, which is refused",
  ],
  [/autoscaling\/v2beta/, "gone since Kubernetes 1.26"],
  [/prometheus-adapter/, "deprecated in favour of KEDA"],
  [/:latest"/, "another image at every pull"],
];

export function folkloreProblems({ manifests }: Overlay): string[] {
  const text = JSON.stringify(manifests);
  return FOLKLORE.flatMap(([pattern, truth]) => {
    const [found] = pattern.exec(text) ?? [];
    return found ? [`${found}: ${truth}`] : [];
  });
}
