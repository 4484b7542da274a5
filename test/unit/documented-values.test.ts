import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ENVIRONMENT } from "../../src/config.ts";
import { DOCUMENTS, readDocument, sectionOf } from "../support/documents.ts";
import { verifies } from "../support/verifies.ts";

const SCHEMAS: Readonly<Record<string, { safeParse(value: string): { success: boolean } }>> =
  ENVIRONMENT.shape;

/** `NAME=value` of our variables whose value the service would refuse; what is left to the reader (…, $KEY, HOST) is not looked at. */
function refusedValues(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])([A-Z][A-Z_]+)=([^\s`'"|)]+)/g)]
    .filter(([, name, value]) => SCHEMAS[name!] && !/[…$]|[A-Z]{4}/.test(value!))
    .filter(([, name, value]) => !SCHEMAS[name!]!.safeParse(value!.replace(/[,;.]$/, "")).success)
    .map(([assignment]) => assignment);
}

const { groups } = parse(readDocument("observability/rules.yaml")) as {
  groups: { rules: { alert?: string }[] }[];
};
const alerts = new Set(groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)));

/** Alerts that a document names and that no rule has. */
const missingAlerts = (text: string): string[] =>
  (text.match(/\bNovaStream(?:[A-Z][a-z]+)+\b/g) ?? []).filter((name) => !alerts.has(name));

interface Panel {
  readonly title?: string;
  readonly panels?: readonly Panel[];
}
const titlesOf = ({ title, panels = [] }: Panel): (string | undefined)[] => [
  title,
  ...panels.flatMap(titlesOf),
];
const titles = new Set(titlesOf(JSON.parse(readDocument("observability/dashboard.json")) as Panel));

describe.each(DOCUMENTS)("%s", (path) => {
  const text = readDocument(path);

  it("sets variables to what the service takes", verifies("documented-variables"), () => {
    expect(refusedValues(text)).toEqual([]);
  });

  it("names alerts that there are", verifies("documented-places"), () => {
    expect(missingAlerts(text)).toEqual([]);
  });
});

describe("the guide", () => {
  it("names panels of the dashboard", verifies("documented-places"), () => {
    const upgrade = sectionOf(readDocument("docs/deploy.md"), "## Upgrade and rollback");
    const named = [...upgrade.matchAll(/(?<![`\w:{=,])"([A-Z][\w ,-]+)"/g)].map(
      ([, title]) => title!,
    );
    expect(named.length).toBeGreaterThan(0);
    for (const title of named) expect(titles, title).toContain(title);
  });
});

describe("a planted error", () => {
  it.each([
    "`MAX_CONNECTIONS=25k`",
    "`AUDIT_INTERVAL=5min`",
    "`RETENTION_LOGS=1000;24h`",
    "`REDIS_URL=redis+clusters://redis:6379`",
    "`TRUSTED_PROXIES=privat`",
  ])("is found: %s", verifies("documented-variables"), (text) => {
    expect(refusedValues(text)).toHaveLength(1);
  });

  it("is found: an alert that there is not", verifies("documented-places"), () => {
    expect(missingAlerts("[NovaStreamDeliverySlow], not NovaStreamSlowDelivery")).toEqual([
      "NovaStreamSlowDelivery",
    ]);
  });
});
