import { isIP } from "node:net";
import type { RedisAddress } from "../../../src/redis/redis-endpoint.ts";
import { configOf } from "./environment.ts";
import { allOf, type Manifest, type Overlay } from "./rendered.ts";

/** The addresses that the configuration begins with. */
export function redisAddresses(overlay: Overlay): readonly RedisAddress[] {
  const endpoint = configOf(overlay).redis?.endpoint;
  if (!endpoint) return [];
  if (endpoint.kind === "cluster") return endpoint.nodes;
  return endpoint.kind === "sentinel" ? endpoint.sentinels : [endpoint.address];
}

/** The Service that a host is the name of, within the cluster; undefined where it is outside. */
export function serviceOf(overlay: Overlay, host: string): Manifest {
  const [name, namespace, ...rest] = host.split(".");
  const within = ["", "svc", "svc.cluster.local"].includes(rest.join("."));
  return allOf(overlay, "Service").find(
    ({ metadata }) =>
      within &&
      metadata.name === name &&
      (namespace === undefined || metadata.namespace === namespace),
  );
}

/** Redis is one that is there: a Service of the overlay, by a port that it has, or one elsewhere, to which nobody listens in. */
export function redisProblems(overlay: Overlay): string[] {
  const { redis } = configOf(overlay);
  return redisAddresses(overlay).flatMap(({ host, port }) => {
    const service = serviceOf(overlay, host);
    if (service) {
      const there = service.spec.ports.some((one: Manifest) => one.port === port);
      return there ? [] : [`REDIS_URL: Service/${host} has no port ${port}`];
    }
    if (isIP(host) === 0 && !host.includes("."))
      return [`REDIS_URL: ${host} is no Service here: a component with a Redis is missing`];
    const problems = [];
    if (!redis?.endpoint.tls)
      problems.push(`REDIS_URL: what is said to ${host} is not encrypted: rediss`);
    if (redis?.endpoint.tls && !redis.caFile)
      problems.push(`REDIS_CA_FILE is missing: ${host} has a certificate of its own authority`);
    return problems;
  });
}
