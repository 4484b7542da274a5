/**
 * Levels of objects and arrays in one JSON document that is handed in. JSON.stringify and zod call themselves for each
 * level, so a line of a few kilobytes could exhaust the stack; readers in other languages give up at their own limits,
 * few of them below this one with the envelope that events come in.
 */
export const JSON_MAX_DEPTH = 100;

/** Whether a JSON value has more than so many levels of objects and arrays. It looks no deeper than that. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const member of Object.values(value)) if (isDeeper(member, levels - 1)) return true;
  return false;
}

/** Which member of a document is nested too deeply, and what to say of it; undefined where none is. */
export function tryDepthProblem(
  document: unknown,
): { readonly field: string; readonly problem: string } | undefined {
  if (typeof document !== "object" || document === null) return undefined;
  const deep = Object.entries(document).find(([, member]) => isDeeper(member, JSON_MAX_DEPTH - 1));
  if (!deep) return undefined;
  const [field] = deep;
  return {
    field,
    problem: `${field} is nested too deeply: at most ${JSON_MAX_DEPTH} levels are taken`,
  };
}
