import { selects } from "./labels.ts";
import { allOf, deploymentOf, type Manifest, named, type Overlay } from "./rendered.ts";
import { leastPods } from "./scaling.ts";

const isNothing = (count: number | string | undefined): boolean => count === 0 || count === "0%";

/** What the API server refuses of a strategy: `maxUnavailable: 0` needs a surge. */
function strategyProblems({ type = "RollingUpdate", rollingUpdate }: Manifest): string[] {
  if (type !== "RollingUpdate")
    return [
      rollingUpdate
        ? `is refused: type ${type} has no rollingUpdate`
        : `type ${type} takes all pods away before the first comes`,
    ];
  const { maxSurge = "25%", maxUnavailable = "25%" } = rollingUpdate ?? {};
  return isNothing(maxSurge) && isNothing(maxUnavailable)
    ? ["is refused: maxSurge and maxUnavailable are both 0"]
    : [];
}

const TOPOLOGIES = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"];

/** A node, or a zone, that goes takes few of the pods; whether a constraint selects them is the selectors' rule. */
function spreadProblems({ topologySpreadConstraints: spread = [] }: Manifest): string[] {
  const over = new Set((spread as Manifest[]).map(({ topologyKey }) => topologyKey as string));
  const problems = TOPOLOGIES.filter((topology) => !over.has(topology)).map(
    (topology) => `may have all its pods in one ${topology}`,
  );
  for (const { topologyKey, maxSkew, matchLabelKeys = [] } of spread as Manifest[]) {
    if (maxSkew !== 1) problems.push(`may have ${maxSkew} pods more in one ${topologyKey}`);
    // Without it the pods of the old revision count, and the new ones end up where those were not.
    if (!matchLabelKeys.includes("pod-template-hash"))
      problems.push(`counts pods of old revisions in a ${topologyKey}`);
  }
  return problems;
}

/** Pods are replaced, and nodes drained, one after the other: never stuck, never all at once. */
export function rolloutProblems(overlay: Overlay): string[] {
  const deployment = deploymentOf(overlay);
  const problems = [
    ...strategyProblems(deployment.spec.strategy ?? {}),
    ...spreadProblems(deployment.spec.template.spec),
  ].map((problem) => `${named(deployment)} ${problem}`);
  const { labels } = deployment.spec.template.metadata;
  const budgets = allOf(overlay, "PodDisruptionBudget").filter(({ spec }) =>
    selects(spec.selector, labels),
  );
  if (budgets.length !== 1)
    problems.push(`${named(deployment)} has ${budgets.length} PodDisruptionBudgets, not one`);
  const pods = leastPods(overlay) ?? 0;
  for (const budget of budgets) {
    const { maxUnavailable, minAvailable } = budget.spec;
    if (maxUnavailable === undefined && minAvailable === undefined)
      problems.push(`${named(budget)} says nothing`);
    if (isNothing(maxUnavailable) || minAvailable === "100%" || minAvailable >= pods)
      problems.push(`${named(budget)} lets no node be drained, nor upgraded`);
    if (maxUnavailable >= pods || maxUnavailable === "100%" || isNothing(minAvailable))
      problems.push(`${named(budget)} lets all pods go at once`);
    if (budget.spec.unhealthyPodEvictionPolicy !== "AlwaysAllow")
      problems.push(`${named(budget)} keeps nodes for pods that never become ready`);
  }
  return problems;
}
