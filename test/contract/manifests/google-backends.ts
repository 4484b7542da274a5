import { configOf, containerOf } from "./environment.ts";
import { graceOf } from "./lifecycle.ts";
import { allOf, deploymentOf, type Manifest, named, type Overlay } from "./rendered.ts";

/** A load balancer's own life: it restarts, and cuts what is older. */
const LONGEST_S = 86_400;
/** What does not stream, and takes longer, hangs. */
const STRICT_S = 60;
const LEAST_STRICT_S = 10;
/** What the load balancer takes. */
const LONGEST_DRAIN_S = 3_600;
/** Until a pod that is away gets no clients any more. */
const LONGEST_UNHEALTHY_S = 30;

/** What a Service is to Google's load balancer, and which objects say so. */
interface Backend {
  readonly service: string;
  /** Whatever bounds and drains it: one, if all is well. */
  readonly policies: readonly Manifest[];
  /** Whatever says how its pods are asked for their health. */
  readonly checks: readonly Manifest[];
  /** The words for the two kinds. */
  readonly kinds: readonly [string, string];
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];

const settingsOf = ({ spec }: Manifest): Manifest => spec.default ?? spec;

/** Behind a Gateway of GKE: policies name their Service. */
function gatewayBackends(overlay: Overlay): Backend[] {
  const gateways = new Set(
    allOf(overlay, "Gateway")
      .filter(({ spec }) => spec.gatewayClassName.startsWith("gke-"))
      .map(({ metadata }) => metadata.name as string),
  );
  const services = allOf(overlay, "HTTPRoute")
    .filter(({ spec }) => spec.parentRefs.some(({ name }: Manifest) => gateways.has(name)))
    .flatMap(({ spec }) => spec.rules)
    .flatMap(({ backendRefs = [] }) => backendRefs.map(({ name }: Manifest) => name as string));
  const aimed = (kind: string, service: string): Manifest[] =>
    allOf(overlay, kind).filter(
      ({ spec: { targetRef } }) =>
        !targetRef.group && targetRef.kind === "Service" && targetRef.name === service,
    );
  return unique(services).map((service) => ({
    service,
    policies: aimed("GCPBackendPolicy", service),
    checks: aimed("HealthCheckPolicy", service),
    kinds: ["GCPBackendPolicy", "HealthCheckPolicy"],
  }));
}

const annotationOf = (overlay: Overlay, service: string, name: string): Manifest => {
  const found = allOf(overlay, "Service").find(({ metadata }) => metadata.name === service);
  return JSON.parse(found?.metadata.annotations?.[name] ?? "{}");
};

/** Behind an Ingress of GKE: the Service names its BackendConfig, by an annotation. */
function ingressBackends(overlay: Overlay): Backend[] {
  const services = allOf(overlay, "Ingress")
    .filter(({ metadata }) => metadata.annotations?.["kubernetes.io/ingress.class"] === "gce")
    .flatMap(({ spec }) => spec.rules)
    .flatMap(({ http }) => http.paths)
    .map(({ backend }) => backend.service.name as string);
  return unique(services).map((service) => {
    const name = annotationOf(overlay, service, "cloud.google.com/backend-config").default;
    const configs = allOf(overlay, "BackendConfig").filter(
      ({ metadata }) => metadata.name === name,
    );
    return {
      service,
      policies: configs,
      checks: configs.filter(({ spec }) => spec.healthCheck),
      kinds: ["BackendConfig", "BackendConfig with a healthCheck"],
    };
  });
}

const backendsOf = (overlay: Overlay): Backend[] => [
  ...gatewayBackends(overlay),
  ...ingressBackends(overlay),
];

function checkProblems(overlay: Overlay, { service, checks }: Backend): string[] {
  const { readinessProbe, ports } = containerOf(overlay);
  return checks.flatMap((check) => {
    const settings = check.spec.healthCheck ?? settingsOf(check);
    const { type, httpHealthCheck = {} } = settings.config ?? settings;
    const { requestPath, port } = settings.config ? httpHealthCheck : settings;
    const problems = [];
    if (type !== "HTTP") problems.push(`asks by ${type}, not by HTTP`);
    if (requestPath !== readinessProbe.httpGet.path)
      problems.push(`asks ${requestPath ?? "/"}, not ${readinessProbe.httpGet.path}`);
    // With NEGs the load balancer speaks to pods: it is their port, not the Service's.
    if (port !== ports[0].containerPort)
      problems.push(`asks port ${port}, not the pods' ${ports[0].containerPort}`);
    if (!(settings.timeoutSec <= settings.checkIntervalSec))
      problems.push(
        `waits ${settings.timeoutSec} s of every ${settings.checkIntervalSec}, which is refused`,
      );
    const { unhealthyThreshold: failures = 2, healthyThreshold: successes = 2 } = settings;
    if (failures < 2) problems.push("takes one slow answer for an end");
    for (const [count, what] of [
      [failures, "away"],
      [successes, "back"],
    ] as const)
      if (count * settings.checkIntervalSec > LONGEST_UNHEALTHY_S)
        problems.push(`learns after ${count * settings.checkIntervalSec} s that a pod is ${what}`);
    return problems.map((problem) => `${named(check)}, of Service/${service}: ${problem}`);
  });
}

/** Each Service that Google's load balancer leads to has one object that bounds it, and one that says who is well. */
export function backendProblems(overlay: Overlay): string[] {
  const ingress = new Set(ingressBackends(overlay).map(({ service }) => service));
  return backendsOf(overlay).flatMap((backend) => {
    const { service, policies, checks, kinds } = backend;
    const problems = [];
    for (const [index, found] of [policies, checks].entries())
      if (found.length !== 1)
        problems.push(`Service/${service} has ${found.length} ${kinds[index]}, not one`);
    // Without it the load balancer speaks to nodes, which pass on to any pod, of another node as well. On a Gateway there is no other way.
    if (ingress.has(service) && !annotationOf(overlay, service, "cloud.google.com/neg").ingress)
      problems.push(`Service/${service} is behind nodes: no cloud.google.com/neg`);
    return [...problems, ...checkProblems(overlay, backend)];
  });
}

/** Of Google's load balancers: hard limits on a whole answer, and how long they let a pod that leaves go on. */
export function loadBalancerProblems(overlay: Overlay): string[] {
  const grace = graceOf(deploymentOf(overlay));
  const { maxConnectionAgeMs } = configOf(overlay);
  return backendsOf(overlay).flatMap(({ service, policies }) =>
    policies.flatMap((policy) => {
      const { connectionDraining, timeoutSec = 30 } = settingsOf(policy);
      const draining = connectionDraining?.drainingTimeoutSec ?? 0;
      const problems = [];
      if (draining < grace)
        problems.push(`drainingTimeoutSec ${draining} is less than grace ${grace}`);
      if (draining > LONGEST_DRAIN_S)
        problems.push(`drainingTimeoutSec ${draining} is more than the load balancer takes`);
      if (service.endsWith("-streaming")) {
        if (maxConnectionAgeMs === 0 || timeoutSec * 1_000 <= maxConnectionAgeMs)
          problems.push(
            `timeoutSec ${timeoutSec} cuts streams before MAX_CONNECTION_AGE ends them`,
          );
        if (timeoutSec > LONGEST_S)
          problems.push(`timeoutSec ${timeoutSec} is more than the load balancer's own life`);
      } else if (timeoutSec < LEAST_STRICT_S)
        problems.push(`timeoutSec ${timeoutSec} cuts requests of a busy pod`);
      else if (timeoutSec > STRICT_S)
        problems.push(`timeoutSec ${timeoutSec} waits for what hangs, and does not stream`);
      return problems.map((problem) => `${named(policy)}, of Service/${service}: ${problem}`);
    }),
  );
}
