import { Metrics } from "../../../src/telemetry/metrics.ts";
import { configOf } from "./environment.ts";
import { allOf, deploymentOf, type Manifest, named, type Overlay } from "./rendered.ts";

const exported = new Set(
  new Metrics().registry.getMetricsAsArray().map(({ name }: { name: string }) => name),
);
/** A pod that goes must leave its clients room in the others. */
const FULLEST = 0.8;

/** As few pods as there may be; undefined where nobody says. */
export function leastPods(overlay: Overlay): number | undefined {
  const [scaler] = allOf(overlay, "HorizontalPodAutoscaler", "ScaledObject");
  if (!scaler) return deploymentOf(overlay).spec.replicas as number | undefined;
  return (scaler.spec.minReplicas ?? scaler.spec.minReplicaCount) as number | undefined;
}

/** One scaler counts the pods, never one alone, on what is measured, before they are full. */
export function scalingProblems(overlay: Overlay): string[] {
  const { replicas } = deploymentOf(overlay).spec;
  const scalers = allOf(overlay, "HorizontalPodAutoscaler", "ScaledObject");
  const problems: string[] = [];
  if (scalers.length > 1) problems.push("two autoscalers pull at one Deployment");
  if (scalers.length === 1 && replicas !== undefined)
    problems.push("an apply sets the autoscaler's pods back");
  if (!((leastPods(overlay) ?? 0) >= 2)) problems.push("clients of a pod that goes have no other");
  const full = configOf(overlay).admission.maxConnections * FULLEST;
  for (const scaler of scalers) {
    const types = ((scaler.spec.triggers ?? []) as Manifest[]).map(({ type }) => type as string);
    if (scaler.spec.fallback && types.includes("cpu"))
      problems.push(`${named(scaler)}: KEDA refuses a fallback beside a trigger on CPU`);
    for (const { metadata, type } of (scaler.spec.triggers ?? []) as Manifest[]) {
      if (type !== "prometheus") continue;
      if (Number(metadata.threshold) > full)
        problems.push(`${named(scaler)} scales when it is full`);
      if (metadata.ignoreNullValues !== "false")
        problems.push(`${named(scaler)} takes pods away when nothing is measured`);
      for (const [name] of String(metadata.query).matchAll(/\bstreaming_\w+/g))
        if (!exported.has(name))
          problems.push(`${named(scaler)} asks for ${name}, which is not there`);
    }
    for (const { pods } of (scaler.spec.metrics ?? []) as Manifest[]) {
      if (!pods) continue;
      if (Number(pods.target.averageValue) > full)
        problems.push(`${named(scaler)} scales when it is full`);
      const offered = allOf(overlay, "AutoscalingMetric").flatMap(({ metadata, spec }) =>
        gauges(spec).map(({ name }) => `autoscaling.gke.io|${metadata.name}|${name}`),
      );
      if (!offered.includes(pods.metric.name))
        problems.push(`${named(scaler)} asks for ${pods.metric.name}, which nothing offers`);
    }
  }
  for (const { spec, ...metric } of allOf(overlay, "AutoscalingMetric"))
    for (const { pod } of spec.metrics)
      for (const label of Object.keys(pod.selector.matchLabels as object))
        if (/[./]/.test(label))
          problems.push(`${named(metric)}: GKE may refuse the label ${label}`);
  for (const metric of allOf(overlay, "AutoscalingMetric"))
    for (const { prometheusMetricName: name } of gauges(metric.spec))
      if (!exported.has(name))
        problems.push(`${named(metric)} asks for ${name}, which is not there`);
  return problems;
}

const gauges = (spec: Manifest): { name: string; prometheusMetricName: string }[] =>
  spec.metrics
    .flatMap(({ pod }: Manifest) => pod.containers)
    .flatMap(({ metrics }: Manifest) => metrics.map(({ gauge }: Manifest) => gauge));
