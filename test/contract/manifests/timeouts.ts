import { tryDuration } from "../../../src/wire/units.ts";
import { gatewaysOf } from "./gateways.ts";
import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";
import { routesOf } from "./routes.ts";

/** What each of a gateway's timers must be at least and at most, in seconds, and what it does otherwise. */
const TIMERS = {
  connect: [1, 10, "gives up pods that are busy", "waits for pods that are gone"],
  send: [10, 300, "cuts who sends slowly", "keeps who sends nothing"],
  /** Between two requests; above the service's own 620 s requests would meet connections that are being closed. */
  idle: [
    30,
    619,
    "connects anew for every request",
    "sends to connections that the service closes",
  ],
} as const;

const KONG_DEFAULT_MS = "60000";

/** Connections to each pod that wait for the next request; Traefik has 2 by default. */
const LEAST_KEPT = 100;

type Timer = readonly [what: string, kind: keyof typeof TIMERS, value: string | undefined];

function* kongTimers(overlay: Overlay): Generator<Timer> {
  if (!gatewaysOf(overlay).has("kong")) return;
  const led = overlay.manifests.flatMap((route) => [...routesOf(route)]);
  const names = new Set(led.map(({ service }) => service));
  for (const service of allOf(overlay, "Service").filter(({ metadata }) =>
    names.has(metadata.name as string),
  ))
    for (const [kind, name] of [
      ["connect", "konghq.com/connect-timeout"],
      ["send", "konghq.com/write-timeout"],
    ] as const)
      yield [
        `${named(service)} ${name}`,
        kind,
        service.metadata.annotations?.[name] ?? KONG_DEFAULT_MS,
      ];
}

function* apisixTimers(overlay: Overlay): Generator<Timer> {
  for (const route of allOf(overlay, "ApisixRoute"))
    for (const { name, timeout } of route.spec.http)
      if (timeout)
        for (const kind of ["connect", "send"] as const)
          yield [`${named(route)} ${name} ${kind}`, kind, timeout[kind]];
}

function* traefikTimers(overlay: Overlay): Generator<Timer> {
  for (const transport of allOf(overlay, "ServersTransport")) {
    const { dialTimeout, idleConnTimeout } = transport.spec.forwardingTimeouts ?? {};
    yield [`${named(transport)} dialTimeout`, "connect", dialTimeout ?? "30s"];
    yield [`${named(transport)} idleConnTimeout`, "idle", idleConnTimeout ?? "90s"];
  }
}

/** A gateway waits neither too short for what works, nor too long for what does not. */
export function timeoutProblems(overlay: Overlay): string[] {
  const timers = [...kongTimers(overlay), ...apisixTimers(overlay), ...traefikTimers(overlay)];
  const outside = timers.flatMap(([what, kind, value]) => {
    const [least, most, early, late] = TIMERS[kind];
    const seconds = (tryDuration(value ?? "") ?? Number.NaN) / 1_000;
    if (seconds >= least && seconds <= most) return [];
    return [`${what} of ${value} ${seconds > most ? late : early}`];
  });
  const heads = allOf(overlay, "ServersTransport")
    .map((transport) => [named(transport), transport.spec.forwardingTimeouts] as const)
    .filter(([, timeouts]) => Number.parseInt(timeouts?.responseHeaderTimeout ?? "0", 10) !== 0)
    .map(
      ([what, { responseHeaderTimeout }]) =>
        `${what} responseHeaderTimeout of ${responseHeaderTimeout} cuts a model's whole answer, whose head comes last`,
    );
  const handshakes = allOf(overlay, "ServersTransport")
    .filter(({ spec }) => !(spec.maxIdleConnsPerHost >= LEAST_KEPT))
    .map((transport) => `${named(transport)} maxIdleConnsPerHost: a handshake for each publish`);
  const bare = allOf(overlay, "IngressRoute")
    .filter(({ spec }) =>
      (spec.routes as Manifest[])
        .flatMap(({ services }) => services as Manifest[])
        .some(({ serversTransport }) => serversTransport === undefined),
    )
    .map((route) => `${named(route)} has a Service with Traefik's own timers: no serversTransport`);
  return [...outside, ...heads, ...handshakes, ...bare];
}
