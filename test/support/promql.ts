import { parser } from "@prometheus-io/lezer-promql";

/** One name in a query, with what is asked of its labels. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly value: string }[];
}

export interface Query {
  readonly selectors: readonly Selector[];
  /** Labels by which results are grouped or joined. */
  readonly grouping: readonly string[];
}

/** What a query names. @throws SyntaxError */
export function readQuery(text: string): Query {
  const selectors: { metric: string; matchers: { label: string; value: string }[] }[] = [];
  const grouping: string[] = [];
  parser.parse(text).iterate({
    enter({ type, from, to, node }) {
      const here = text.slice(from, to);
      if (type.isError) throw new SyntaxError(`at ${from} of ${text}`);
      if (type.name === "VectorSelector") {
        const name = node.getChild("Identifier");
        if (!name) throw new SyntaxError(`a selector without a name: ${here}`);
        selectors.push({ metric: text.slice(name.from, name.to), matchers: [] });
      }
      if (type.name.endsWith("LabelMatcher")) {
        const [, label, value] = /^(\w+)\s*(?:=~|!~|!=|=)\s*"(.*)"$/.exec(here)!;
        selectors.at(-1)!.matchers.push({ label: label!, value: value! });
      }
      if (type.name === "LabelName" && node.parent?.name === "GroupingLabels") grouping.push(here);
    },
  });
  return { selectors, grouping };
}
