import type { Manifest, Overlay } from "./rendered.ts";

/** What circulates about gateways and streaming, and is not so: how it looks, why not, and how one would write it. */
export const FOLKLORE: readonly (readonly [pattern: RegExp, truth: string, example: Manifest])[] = [
  [
    /traefik\.containo\.us/,
    "Traefik's group is traefik.io since version 3",
    { apiVersion: "traefik.containo.us/v1alpha1" },
  ],
  [
    /traefik\.ingress\.kubernetes\.io\/(websocket-services|buffering)/,
    "Traefik never had it",
    { metadata: { annotations: { "traefik.ingress.kubernetes.io/websocket-services": "ws" } } },
  ],
  [
    /"flushInterval"/,
    "it is not read for streams, which are flushed at once",
    { responseForwarding: { flushInterval: "50ms" } },
  ],
  [
    /"certResolver"/,
    "its certificates are each replica's own",
    { tls: { certResolver: "letsencrypt" } },
  ],
  [
    /"(Connection|Upgrade)":"?(keep-alive|upgrade|websocket)/i,
    "it breaks plain requests",
    { customRequestHeaders: { Upgrade: "websocket" } },
  ],
  [
    /transfer-encoding/i,
    "framing is the runtime's: doubled it is a 502",
    { add: { headers: ["Transfer-Encoding: chunked"] } },
  ],
  [
    /Content-Type: ?text\/event-stream/i,
    "it makes streams of errors",
    { add: { headers: ["Content-Type:text/event-stream"] } },
  ],
  [
    /"plugin":"(websocket|request-timeout|sse|streaming)"/,
    "there is no such plugin",
    { plugin: "request-timeout" },
  ],
  [
    /"stream(_mode)?":true/,
    "no plugin has it",
    { plugin: "proxy-cache", config: { stream_mode: true } },
  ],
  [
    /"redis_(host|port|password)"/,
    "deprecated, and gone in Kong 4: a record redis instead",
    { config: { redis_host: "redis" } },
  ],
  [
    /"kind":"(KongIngress|TCPIngress|UDPIngress)"/,
    "deprecated, and mostly not read any more",
    { kind: "KongIngress" },
  ],
  [
    /konghq\.com\/(send-timeout|timeout|buffering|websocket)"/,
    "Kong's controller never had it",
    { metadata: { annotations: { "konghq.com/send-timeout": "1" } } },
  ],
  [
    /"algorithm":"latency"/,
    "it measures answers that do not end",
    { spec: { algorithm: "latency" } },
  ],
  [
    /"disable_buffering"/,
    "proxy-rewrite takes it without complaint, and never reads it",
    { name: "proxy-rewrite", config: { disable_buffering: true } },
  ],
  [
    /chunked_transfer_encoding/,
    "on is the default, and off loses the framing",
    { data: { "http-snippet": "chunked_transfer_encoding off;" } },
  ],
  [
    /X-Accel-Buffering/i,
    "nginx takes it away: the service sends it, and a gateway does not",
    { remove: { headers: ["X-Accel-Buffering"] } },
  ],
  [
    /Access-Control-Allow-Origin/i,
    "without preflights it is half of CORS",
    { add: { headers: ["Access-Control-Allow-Origin:*"] } },
  ],
  [
    /"origins":\["\*"\]/,
    "with credentials any page may act as the user",
    { config: { origins: ["*"], credentials: true } },
  ],
  [
    /(configuration|server)-snippet/,
    "ingress-nginx refuses it by default",
    { metadata: { annotations: { "nginx.ingress.kubernetes.io/configuration-snippet": "" } } },
  ],
  [
    /"(request|backendRequest)":"0s"/,
    "Kong's controller makes it a timeout of 0, which is refused",
    { timeouts: { backendRequest: "0s" } },
  ],
  [/autoscaling\/v2beta/, "gone since Kubernetes 1.26", { apiVersion: "autoscaling/v2beta2" }],
  [/:latest"/, "another image at every pull", { image: "novastream:latest" }],
];

/** What of it there is in what is applied; comments may tell of it. */
export function folkloreProblems({ manifests }: Overlay): string[] {
  const text = JSON.stringify(manifests);
  return FOLKLORE.flatMap(([pattern, truth]) => {
    const [found] = pattern.exec(text) ?? [];
    return found ? [`${found}: ${truth}`] : [];
  });
}
