import { parseDocument } from "yaml";
import type { z } from "zod";

/** What is wrong with a file's form: what no gateway would tell, since it leaves unread what it does not know. */
export function formProblems<T>(
  text: string,
  schema: z.ZodType<T>,
): { readonly problems: string[]; readonly value: T | undefined } {
  // A key that is there twice is an error of YAML itself.
  const document = parseDocument(text);
  if (document.errors.length > 0)
    return { problems: document.errors.map(({ message }) => message), value: undefined };
  const { data, error } = schema.safeParse(document.toJS());
  const problems = error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
  return { problems, value: data };
}

/** The texts of the rules that are broken. */
export function broken(rules: readonly (readonly [holds: boolean, otherwise: string])[]): string[] {
  return rules.filter(([holds]) => !holds).map(([, otherwise]) => otherwise);
}
