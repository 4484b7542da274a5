import { holds, type Labels } from "./labels.ts";
import { type Manifest, named, type Overlay, workloads } from "./rendered.ts";

function* selectorsOf({ kind, spec }: Manifest): Generator<Labels> {
  if (kind === "Service") yield spec.selector;
  if (["PodDisruptionBudget", "PodMonitor", "PodMonitoring"].includes(kind as string))
    yield spec.selector.matchLabels;
  if (kind === "AutoscalingMetric")
    for (const { pod } of spec.metrics) yield pod.selector.matchLabels;
  if (kind === "NetworkPolicy") {
    yield spec.podSelector.matchLabels;
    const rules = [...(spec.ingress ?? []), ...(spec.egress ?? [])] as Manifest[];
    for (const { from = [], to = [] } of rules)
      for (const { podSelector, namespaceSelector } of [...from, ...to] as Manifest[])
        if (podSelector && !namespaceSelector) yield podSelector.matchLabels;
  }
}

/** Ports by the names that a manifest uses for those of the pods that it selects. */
function* portsOf({ kind, spec }: Manifest): Generator<string | number> {
  if (kind === "Service") for (const { targetPort } of spec.ports) yield targetPort;
  if (kind === "PodMonitor") for (const { port } of spec.podMetricsEndpoints) yield port;
  if (kind === "PodMonitoring") for (const { port } of spec.endpoints) yield port;
  if (kind === "NetworkPolicy" && !spec.egress)
    for (const { ports } of spec.ingress ?? []) for (const { port } of ports) yield port;
  if (kind === "AutoscalingMetric")
    for (const { pod } of spec.metrics)
      for (const { endpoint } of pod.containers) yield endpoint.port;
}

/** Whoever selects pods selects some that are there, by ports that they have. */
export function selectorProblems(overlay: Overlay): string[] {
  const templates = workloads(overlay).map(({ spec }) => spec.template);
  const problems = [];
  for (const workload of workloads(overlay)) {
    const { labels } = workload.spec.template.metadata;
    const spread = workload.spec.template.spec.topologySpreadConstraints ?? [];
    const own = [workload.spec.selector, ...spread.map((one: Manifest) => one.labelSelector)];
    for (const { matchLabels } of own)
      if (!holds(labels, matchLabels))
        problems.push(`${named(workload)} does not select its own pods`);
  }
  for (const manifest of overlay.manifests) {
    for (const selector of selectorsOf(manifest)) {
      const selected = templates.filter(({ metadata }) => holds(metadata.labels, selector));
      if (selected.length !== 1)
        problems.push(`${named(manifest)} selects ${selected.length} kinds of pods, not one`);
    }
    const [first] = selectorsOf(manifest);
    const pods = templates.filter(({ metadata }) => first && holds(metadata.labels, first));
    const ports = new Set(
      pods
        .flatMap(({ spec }) => spec.containers)
        .flatMap(({ ports: list = [] }) => list)
        .flatMap(({ name, containerPort }: Manifest) => [name, containerPort]),
    );
    for (const port of portsOf(manifest))
      if (!ports.has(port))
        problems.push(`${named(manifest)} names port ${port}, which no pod has`);
  }
  return problems;
}
