import { type Manifest, named, type Overlay, workloads } from "./rendered.ts";

/** A pause of the collector, a node that is busy: shorter is no death. */
const LEAST_ALIVE_S = 30;
/** From start to readiness: an image's first page faults, a log that is read. */
const LEAST_START_S = 30;
/** Clients go on coming to a pod that cannot have them for so long. */
const MOST_UNREADY_S = 30;
/** Kubernetes' defaults. */
const DEFAULTS = { periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3 };

const windowOf = (probe: Manifest): number => {
  const { periodSeconds, failureThreshold } = { ...DEFAULTS, ...probe };
  return periodSeconds * failureThreshold;
};

/** Longer, and a pod that hangs is left to hang. */
const MOST_ALIVE_S = 300;
const MOST_START_S = 600;

/** How a probe itself is wrong. */
function askProblems(name: string, probe: Manifest, ports: readonly Manifest[]): string[] {
  const problems = [];
  const { periodSeconds, timeoutSeconds } = { ...DEFAULTS, ...probe };
  const port = probe.httpGet?.port;
  if (port !== undefined && !ports.some((one) => [one.name, one.containerPort].includes(port)))
    problems.push(`is asked at port ${port}, which it has not: ${name}`);
  if (timeoutSeconds > Math.max(periodSeconds, DEFAULTS.periodSeconds))
    problems.push(`is waited for ${timeoutSeconds} s every ${periodSeconds}: ${name}`);
  return problems;
}

function problemsOf(container: Manifest): string[] {
  const { startupProbe, livenessProbe, readinessProbe, ports = [] } = container;
  const problems = Object.entries({ startupProbe, livenessProbe, readinessProbe }).flatMap(
    ([name, probe]) => (probe ? askProblems(name, probe, ports) : []),
  );
  if (!readinessProbe) problems.push("gets clients before it is ready: no readinessProbe");
  else if (windowOf(readinessProbe) > MOST_UNREADY_S)
    problems.push(`gets clients for ${windowOf(readinessProbe)} s after it cannot have them`);
  if (startupProbe && windowOf(startupProbe) < LEAST_START_S)
    problems.push(`has ${windowOf(startupProbe)} s to start`);
  if (startupProbe && windowOf(startupProbe) > MOST_START_S)
    problems.push(`may hang for ${windowOf(startupProbe)} s at its start`);
  if (!livenessProbe) return problems;
  const { timeoutSeconds } = { ...DEFAULTS, ...livenessProbe };
  if (windowOf(livenessProbe) > MOST_ALIVE_S)
    problems.push(`may hang for ${windowOf(livenessProbe)} s`);
  if (windowOf(livenessProbe) < LEAST_ALIVE_S || timeoutSeconds < 2)
    problems.push(
      `is killed, with all its streams, for ${windowOf(livenessProbe)} s of answers slower than ${timeoutSeconds} s`,
    );
  return problems;
}

/** A pod that is busy is not killed, and one that is unready gets no clients. */
export function probeProblems(overlay: Overlay): string[] {
  return workloads(overlay).flatMap((workload) =>
    (workload.spec.template.spec.containers as Manifest[])
      .flatMap(problemsOf)
      .map((problem) => `${named(workload)} ${problem}`),
  );
}
