import { readQuery } from "../../support/promql.ts";
import { containerOf } from "./environment.ts";
import { allOf, deploymentOf, type Manifest, named, type Overlay } from "./rendered.ts";

/** A pod that goes moves its clients: by then a wave has passed, or stayed. */
const LEAST_STABLE_S = 300;
/** A wave of newcomers is there now. */
const MOST_HESITANT_S = 60;
/** Of what is asked of CPU: less adds pods for nothing, more adds them when readers wait. */
const [LEAST_SHARE, MOST_SHARE] = [40, 90];

/** What an HPA, or the HPA that KEDA makes, does when. */
const behaviorOf = ({ spec }: Manifest): Manifest =>
  spec.advanced?.horizontalPodAutoscalerConfig?.behavior ?? spec.behavior ?? {};

/** The shares of CPU that it scales on. */
function sharesOf({ spec }: Manifest): number[] {
  const metrics = ((spec.metrics ?? []) as Manifest[])
    .filter(({ resource }) => resource?.name === "cpu")
    .map(({ resource }) => Number(resource.target.averageUtilization));
  const triggers = ((spec.triggers ?? []) as Manifest[])
    .filter(({ type }) => type === "cpu")
    .map(({ metadata }) => Number(metadata.value));
  return [...metrics, ...triggers];
}

function cpuProblems(overlay: Overlay, scaler: Manifest): string[] {
  const shares = sharesOf(scaler);
  const problems = shares
    .filter((share) => !(share >= LEAST_SHARE && share <= MOST_SHARE))
    .map((share) => `scales at ${share} % of what is asked of CPU`);
  // What each cluster can measure, where all else fails.
  if (shares.length === 0) problems.push("does not scale on CPU");
  if (containerOf(overlay).resources.requests?.cpu === undefined)
    problems.push("scales on a share of what is asked of CPU, and nothing is asked");
  return problems;
}

/** Of what Prometheus is asked for, by who is in a namespace. */
function queryProblems(query: string, home: string): string[] {
  try {
    return readQuery(query)
      .selectors.flatMap(({ matchers }) => matchers)
      .filter(({ label, value }) => label === "namespace" && value !== home)
      .map(({ value }) => `asks for namespace ${value}, and its pods are in ${home}`);
  } catch (error) {
    return [`asks what is no query: ${(error as Error).message}`];
  }
}

function connectionProblems({ metadata, spec }: Manifest): string[] {
  const counts = ((spec.metrics ?? []) as Manifest[])
    .filter(({ type }) => type === "Pods")
    .map(({ pods }) => pods.target.averageValue as string);
  const triggers = ((spec.triggers ?? []) as Manifest[]).filter(
    ({ type }) => type === "prometheus",
  );
  const problems = [...counts, ...triggers.map((one) => one.metadata.threshold as string)]
    .filter((count) => !/^[1-9]\d*$/.test(count))
    .map((count) => `scales at ${count} connections`);
  for (const { metricType = "AverageValue", metadata: trigger } of triggers) {
    if (metricType !== "AverageValue")
      problems.push(`counts by ${metricType}: the threshold is one pod's, the query all pods'`);
    problems.push(...queryProblems(String(trigger.query), metadata.namespace));
    if (!URL.canParse(trigger.serverAddress) || !/^https?:/.test(trigger.serverAddress))
      problems.push(`asks ${trigger.serverAddress}, which is no address of a Prometheus`);
  }
  return problems;
}

function behaviorProblems(scaler: Manifest): string[] {
  const { scaleDown = {}, scaleUp = {} } = behaviorOf(scaler);
  const { stabilizationWindowSeconds: stable = LEAST_STABLE_S, policies = [] } = scaleDown;
  const problems = [];
  if (stable < LEAST_STABLE_S)
    problems.push(`takes pods away after ${stable} s of quiet, which any wave has`);
  // By default all of them may go within 15 s.
  if (policies.length === 0) problems.push("takes all pods away at once that are not needed");
  for (const { type, value } of policies as Manifest[])
    if (type !== "Pods" || value !== 1)
      problems.push(`takes ${value} ${type} away at once, with all their clients`);
  if ((scaleUp.stabilizationWindowSeconds ?? 0) > MOST_HESITANT_S)
    problems.push(`adds pods after ${scaleUp.stabilizationWindowSeconds} s of a wave`);
  return problems;
}

/** An autoscaler is beside its pods, on what can be measured, and takes none away in a hurry. */
export function autoscalerProblems(overlay: Overlay): string[] {
  const home = deploymentOf(overlay).metadata.namespace;
  return allOf(overlay, "HorizontalPodAutoscaler", "ScaledObject").flatMap((scaler) => {
    const { minReplicas, maxReplicas, minReplicaCount, maxReplicaCount } = scaler.spec;
    const [least = 1, most = 100] = [
      minReplicas ?? minReplicaCount,
      maxReplicas ?? maxReplicaCount,
    ];
    const problems = [
      ...cpuProblems(overlay, scaler),
      ...connectionProblems(scaler),
      ...behaviorProblems(scaler),
    ];
    const version = scaler.spec.scaleTargetRef?.apiVersion;
    if (version !== "apps/v1" && !(version === undefined && scaler.kind === "ScaledObject"))
      problems.push(`scales a Deployment of ${version}, which there is not`);
    if (scaler.metadata.namespace !== home)
      problems.push(`is in ${scaler.metadata.namespace}, and its pods in ${home}`);
    if (most <= least) problems.push(`has no more than ${most} pods for ${least}`);
    return problems.map((problem) => `${named(scaler)} ${problem}`);
  });
}
