import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { readDashboard } from "../support/dashboard.ts";
import { exportedSeries } from "../support/exported-metrics.ts";
import { verifies } from "../support/verifies.ts";

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
}

const GUIDE = "docs/operations.md";
const guide = readFileSync(GUIDE, "utf8");
const prose = guide.replaceAll(/^```[\s\S]*?^```$/gm, "");
const commands = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text]) => text!).join("");
const quoted = [...prose.matchAll(/`([^`]+)`/g)].map(([, text]) => text!.replaceAll(/\s+/g, " "));
const rules = (
  parse(readFileSync("observability/rules.yaml", "utf8")) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);

/** As GitHub makes an anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");

function anchorsOf(path: string): Set<string> {
  const text = readFileSync(path, "utf8");
  return new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!)));
}

/** Every message that the service logs. */
function loggedMessages(): string {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith("agent/"),
  );
  const sources = files.map((file) => readFileSync(`src/${file}`, "utf8"));
  const calls = sources.flatMap(
    (source) => source.match(/logger\s*\.(?:info|warn|error)\([\s\S]*?\);/g) ?? [],
  );
  return calls.join("\n");
}

/** What the alert's lines say before the advice begins. */
const introductionOf = (alert: string): string =>
  prose.split(`### ${alert}\n\n`)[1]!.split("\n\n")[0]!.replaceAll(/\s+/g, " ");

/** The thresholds of an alert, in the words of the guide. */
function wordsOf({ expr }: Rule): string[] {
  const used = rules.filter(({ record }) => record && expr.includes(record));
  const bounds = used.flatMap((rule) => [...rule.expr.matchAll(/le="([\d.]+)"/g)]);
  // Of two sides, the one that is compared; what stands beside it with more than ten is the floor of all alerts.
  const shares = [...expr.matchAll(/([\w:]+)(?:\{[^}]*\})?[\s)]*(?:> 0\))?[\s)]*> (0?\.\d+)/g)];
  const seconds = [...expr.matchAll(/seconds[^[\s]* > ([\d.]+)/g)].map(([, value]) => `${value} s`);
  const ofTime = expr.includes("avg_over_time");
  return [
    ...shares
      .filter(([, metric]) => !metric!.endsWith("seconds") && !ofTime)
      .map(([, , value]) => `${Math.round(Number(value) * 1_000) / 10} %`),
    ...(ofTime && expr.includes("> 0.5") ? ["more than half of"] : []),
    ...seconds,
    ...bounds.map(([, value]) => `${value} s`),
  ];
}

describe("the runbook", () => {
  it("names only metrics that there are", verifies("alerts"), async () => {
    const known = new Set(
      [...(await exportedSeries()).keys()].flatMap((name) => [
        name,
        name.replace(/_(bucket|sum|count)$/, ""),
      ]),
    );
    const named = [...guide.matchAll(/\bstreaming_\w+/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !known.has(name) && name !== "streaming_")).toEqual([]);
  });

  it("names only log lines that are logged", verifies("alerts"), () => {
    const logged = loggedMessages();
    const lines = quoted.filter(
      (text) => /^[a-z]+:?(?: [a-z]+){2,}$/.test(text) && !/^(kubectl|gcloud) /.test(text),
    );
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => !logged.includes(line))).toEqual([]);
  });

  it("names only panels that the dashboard has", verifies("alerts", "dashboard"), () => {
    const titles = new Set(readDashboard().panels.map(({ title }) => title));
    const named = [...prose.matchAll(/(?<!\*)\*([^*\n]+)\*(?!\*)/g)].map(([, title]) => title!);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((title) => !titles.has(title))).toEqual([]);
  });

  it("leads only to headings that there are", verifies("alerts"), () => {
    const links = [...prose.matchAll(/\]\(([\w.-]+\.md)?#([\w-]+)\)/g)];
    expect(links.length).toBeGreaterThan(10);
    const lost = links.filter(
      ([, file, anchor]) => !anchorsOf(file ? `docs/${file}` : GUIDE).has(anchor!),
    );
    expect(lost.map(([link]) => link)).toEqual([]);
  });

  it("says each threshold as it is in the rules, and no other share", verifies("alerts"), () => {
    for (const rule of rules) {
      if (rule.alert === undefined) continue;
      const introduction = introductionOf(rule.alert);
      const words = wordsOf(rule);
      for (const word of words) expect(introduction, rule.alert).toContain(word);
      const opening = /^More than ([\d.]+ %)/.exec(introduction)?.[1];
      if (opening) expect(words, rule.alert).toContain(opening);
    }
    const stated = rules.filter((rule) => rule.alert && wordsOf(rule).length > 0);
    expect(stated.length).toBeGreaterThan(14);
  });

  it("asks Kubernetes for what the manifests make", verifies("alerts"), () => {
    const manifests = ["k8s/base", "k8s/components/redis"].flatMap((directory) =>
      readdirSync(directory)
        .filter((file) => file.endsWith(".yaml"))
        .flatMap((file) =>
          parseAllDocuments(readFileSync(`${directory}/${file}`, "utf8")).map((document): any =>
            document.toJS(),
          ),
        ),
    );
    const find = (kind: string, name: string) =>
      manifests.find((each) => each?.kind === kind && each.metadata?.name === name);
    const asked = commands + quoted.join("\n");
    const selectors = [...asked.matchAll(/ -l (\S+)/g)].map(([, selector]) => selector!);
    expect(selectors.length).toBeGreaterThan(0);
    const { labels } = find("Deployment", "novastream").spec.template.metadata;
    for (const selector of selectors)
      for (const pair of selector.split(",")) {
        const [label, value] = pair.split("=") as [string, string];
        expect(labels[label], selector).toBe(value);
      }
    for (const [, name] of asked.matchAll(/\bdeploy\/(\S+)/g))
      expect(find("Deployment", name!), name).toBeDefined();
    for (const [, name] of asked.matchAll(/ exec -it (\S+)-0 /g))
      expect(find("StatefulSet", name!), name).toBeDefined();
    const { image } = find("StatefulSet", "redis").spec.template.spec.containers[0];
    for (const [, name] of commands.matchAll(/--image=(\S+)/g)) expect(name).toBe(image);
    // Of several pods, kubectl shows the last ten lines each unless it is told otherwise.
    for (const line of commands.split("\n").filter((each) => / logs .*-l /.test(each)))
      expect(line).toContain("--tail=-1");
    for (const [, namespace] of asked.matchAll(/kubectl -n (\S+)/g))
      expect([find("Namespace", "novastream").metadata.name, "default", "gmp-public"]).toContain(
        namespace,
      );
  });
});
