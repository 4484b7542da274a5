import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";

const isStreaming = (name: string): boolean => name.endsWith("-streaming");

function kongProblems(overlay: Overlay): string[] {
  const policies = allOf(overlay, "KongUpstreamPolicy");
  if (policies.length === 0) return [];
  return allOf(overlay, "Service")
    .filter(({ metadata }) => isStreaming(metadata.name))
    .flatMap((service) => {
      const name = service.metadata.annotations?.["konghq.com/upstream-policy"];
      const policy = policies.find(({ metadata }) => metadata.name === name);
      const algorithm = policy?.spec.algorithm ?? "round-robin";
      return algorithm === "least-connections" ? [] : [`${named(service)}: Kong goes ${algorithm}`];
    });
}

function apisixProblems(overlay: Overlay): string[] {
  const upstreams = new Set(
    allOf(overlay, "ApisixUpstream").map(({ metadata }) => metadata.name as string),
  );
  const missing = allOf(overlay, "ApisixRoute")
    .flatMap(({ spec }) => spec.http)
    .map(({ backends }) => backends[0].serviceName as string)
    .filter((service) => !upstreams.has(service))
    .map((service) => `Service/${service}: no ApisixUpstream, so APISIX asks every pod there is`);
  const byTurns = allOf(overlay, "ApisixUpstream")
    .filter(({ metadata }) => isStreaming(metadata.name))
    .map((upstream) => [named(upstream), upstream.spec.loadbalancer?.type ?? "roundrobin"])
    .filter(([, type]) => type !== "least_conn")
    .map(([what, type]) => `${what}: APISIX goes ${type}`);
  return [...missing, ...byTurns];
}

function traefikProblems(overlay: Overlay): string[] {
  return allOf(overlay, "IngressRoute").flatMap((route) =>
    (route.spec.routes as Manifest[])
      .flatMap(({ services }) => services as Manifest[])
      .filter(({ name }) => isStreaming(name))
      .map(({ strategy = "wrr" }) => strategy as string)
      .filter((strategy) => strategy !== "p2c")
      .map((strategy) => `${named(route)}: Traefik goes ${strategy}`),
  );
}

/** A stream goes to who has few: streams stay, so by turns a pod that is new would get as many as one that is full. */
export function balancingProblems(overlay: Overlay): string[] {
  return [kongProblems, apisixProblems, traefikProblems].flatMap((problems) => problems(overlay));
}
