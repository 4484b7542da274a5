import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";

/** What serves, routes or certifies, and for which hosts. */
type Served = readonly [what: string, hosts: readonly string[]];

function* servedBy(manifest: Manifest): Generator<Served> {
  const { kind, spec } = manifest;
  const name = named(manifest);
  if (kind === "Ingress") {
    for (const { host } of spec.rules) yield [name, host ? [host] : []];
    for (const { hosts = [] } of spec.tls ?? []) yield [`${name}, its tls`, hosts];
  }
  if (kind === "Gateway")
    for (const listener of spec.listeners)
      yield [`${name}#${listener.name}`, listener.hostname ? [listener.hostname] : []];
  if (kind === "HTTPRoute") yield [name, spec.hostnames ?? []];
  if (kind === "IngressRoute")
    for (const { match } of spec.routes)
      yield [name, [...String(match).matchAll(/\bHost\(`([^`]+)`\)/g)].map(([, host]) => host!)];
  if (kind === "ApisixRoute")
    for (const { name: route, match } of spec.http) yield [`${name} ${route}`, match.hosts ?? []];
  if (kind === "ApisixTls") yield [name, spec.hosts];
  if (kind === "ManagedCertificate") yield [name, spec.domains];
}

/** Routes first: where as many are of one host as of another, what leads in is right. */
const KINDS = [
  "Ingress",
  "Gateway",
  "HTTPRoute",
  "IngressRoute",
  "ApisixRoute",
  "ApisixTls",
  "ManagedCertificate",
];

/** Routes, listeners and certificates are of the same hosts: one that is of another is never matched, or never trusted. */
export function hostProblems(overlay: Overlay): string[] {
  const served = KINDS.flatMap((kind) => allOf(overlay, kind)).flatMap((manifest) => [
    ...servedBy(manifest),
  ]);
  const counts = new Map<string, number>();
  for (const [, hosts] of served) {
    const text = hosts.toSorted().join();
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  // What most of them are of; the odd one out is wrong.
  const [common] = [...counts].toSorted(([, a], [, b]) => b - a)[0] ?? [""];
  return served.flatMap(([what, hosts]) => {
    if (hosts.length === 0) return [`${what} is of any host`];
    const text = hosts.toSorted().join();
    return text === common ? [] : [`${what} is of ${text}, the others of ${common}`];
  });
}
