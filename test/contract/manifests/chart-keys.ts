import type { Manifest } from "./rendered.ts";

/**
 * The values that ours may set, by the charts kong/ingress and traefik/traefik; `*` is any name. A chart passes over a value that
 * it does not know.
 */
export const CHART_KEYS = {
  kong: [
    /^gateway\.image\.tag$/,
    // Any nginx_PLACE_DIRECTIVE becomes a directive of nginx there; of the others Kong knows what stands in its kong.conf.
    /^gateway\.env\.nginx_((main|events|http|proxy|upstream)_\w+|worker_processes)$/,
    /^gateway\.lifecycle\.preStop\.exec\.command$/,
    /^gateway\.proxy\.externalTrafficPolicy$/,
    /^gateway\.updateStrategy\.(type|rollingUpdate\.(maxSurge|maxUnavailable))$/,
    /^gateway\.(terminationGracePeriodSeconds|topologySpreadConstraints)$/,
    /^gateway\.podLabels\.[\w-]+$/,
    /^gateway\.resources\.(requests|limits)\.(cpu|memory)$/,
    /^(gateway|controller)\.replicaCount$/,
    /^(gateway|controller)\.podDisruptionBudget\.(enabled|maxUnavailable)$/,
  ],
  traefik: [
    /^deployment\.(replicas|terminationGracePeriodSeconds|podLabels\.[\w-]+)$/,
    /^podDisruptionBudget\.(enabled|maxUnavailable)$/,
    /^(topologySpreadConstraints|additionalArguments)$/,
    /^resources\.(requests|limits)\.(cpu|memory)$/,
    /^ports\.\w+\.(port|exposedPort|protocol|expose\.default)$/,
    /^service\.spec\.externalTrafficPolicy$/,
  ],
} as const;

/** Each value's path; a list is one value. */
function* pathsOf(values: Manifest, before = ""): Generator<string> {
  for (const [name, value] of Object.entries(values as object)) {
    const path = `${before}${name}`;
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      yield* pathsOf(value, `${path}.`);
    else yield path;
  }
}

/** What stands among a chart's values, and the chart does not read. */
export const unreadKeys = (chart: keyof typeof CHART_KEYS, values: Manifest): string[] =>
  [...pathsOf(values)]
    .filter((path) => !CHART_KEYS[chart].some((known) => known.test(path)))
    .map((path) => `${path} is not read by the chart`);
