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

function problemsOf({ startupProbe, livenessProbe, readinessProbe }: Manifest): string[] {
  const problems = [];
  if (!readinessProbe) problems.push("gets clients before it is ready: no readinessProbe");
  else if (windowOf(readinessProbe) > MOST_UNREADY_S)
    problems.push(`gets clients for ${windowOf(readinessProbe)} s after it cannot have them`);
  if (startupProbe && windowOf(startupProbe) < LEAST_START_S)
    problems.push(`has ${windowOf(startupProbe)} s to start`);
  if (!livenessProbe) return problems;
  const { timeoutSeconds } = { ...DEFAULTS, ...livenessProbe };
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
