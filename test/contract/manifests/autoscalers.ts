import { containerOf } from "./environment.ts";
import { allOf, deploymentOf, type Manifest, named, type Overlay } from "./rendered.ts";

/** A pod that goes moves its clients: by then a wave has passed, or stayed. */
const LEAST_STABLE_S = 300;

/** What an HPA, or the HPA that KEDA makes, scales on and how. */
const behaviorOf = ({ spec }: Manifest): Manifest =>
  spec.advanced?.horizontalPodAutoscalerConfig?.behavior ?? spec.behavior ?? {};

function cpuProblems(overlay: Overlay, scaler: Manifest): string[] {
  const metrics = (scaler.spec.metrics ?? []) as Manifest[];
  const triggers = (scaler.spec.triggers ?? []) as Manifest[];
  const share =
    metrics.some(({ resource }) => resource?.target.averageUtilization !== undefined) ||
    triggers.some(({ type, metricType }) => type === "cpu" && metricType === "Utilization");
  return share && containerOf(overlay).resources.requests?.cpu === undefined
    ? ["scales on a share of what is asked of CPU, and nothing is asked"]
    : [];
}

function triggerProblems({ metadata, spec }: Manifest): string[] {
  return ((spec.triggers ?? []) as Manifest[])
    .filter(({ type }) => type === "prometheus")
    .flatMap(({ metricType = "AverageValue", metadata: trigger }) => {
      const problems = [];
      if (metricType !== "AverageValue")
        problems.push(`counts by ${metricType}: the threshold is one pod's, the query all pods'`);
      for (const [, namespace] of String(trigger.query).matchAll(/namespace=~?"([^"]*)"/g))
        if (namespace !== metadata.namespace)
          problems.push(
            `asks for namespace ${namespace}, and its pods are in ${metadata.namespace}`,
          );
      return problems;
    });
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
    const stable = behaviorOf(scaler).scaleDown?.stabilizationWindowSeconds ?? LEAST_STABLE_S;
    const problems = [...cpuProblems(overlay, scaler), ...triggerProblems(scaler)];
    if (scaler.metadata.namespace !== home)
      problems.push(`is in ${scaler.metadata.namespace}, and its pods in ${home}`);
    if (most <= least) problems.push(`has no more than ${most} pods for ${least}`);
    if (stable < LEAST_STABLE_S)
      problems.push(`takes pods away after ${stable} s of quiet, which any wave has`);
    return problems.map((problem) => `${named(scaler)} ${problem}`);
  });
}
