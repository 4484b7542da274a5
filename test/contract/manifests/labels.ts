import type { Manifest } from "./rendered.ts";

export type Labels = Readonly<Record<string, string>>;

export const holds = (labels: Labels, wanted: Labels): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);

/** Whether a LabelSelector takes them; an empty one takes all. @throws at an operator that these manifests do not need */
export function selects(selector: Manifest, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return (
    holds(labels, matchLabels) &&
    matchExpressions.every(({ key, operator, values }: Manifest) => {
      if (operator === "Exists") return labels[key] !== undefined;
      if (operator === "In") return values.includes(labels[key]);
      throw new Error(`no rule knows what ${operator} selects`);
    })
  );
}
