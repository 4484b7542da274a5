import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inRoot } from "../contract/support-dockerfile.ts";
import { clusterProblems } from "../support/cluster-commands.ts";
import { readCompose } from "../support/compose.ts";
import { commandsOf, DOCUMENTS, readDocument, sectionOf } from "../support/documents.ts";
import { gcloudProblems } from "../support/gcloud-flags.ts";
import { verifies } from "../support/verifies.ts";

const { services } = readCompose();
const portOf = (name: string): string | undefined => services[name]?.ports?.[0]?.split(":")[1];
const { scripts } = JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

/** Profiles, services and ports of compose that are not there. */
function composeProblems(text: string): string[] {
  const profiles = new Set(Object.values(services).flatMap(({ profiles: of = [] }) => of));
  const wrong: string[] = [];
  for (const [, profile] of text.matchAll(/--profile (\w+)/g))
    if (!profiles.has(profile!)) wrong.push(`profile ${profile}`);
  for (const [, name] of text.matchAll(/docker compose (?:stop|restart|logs) ([\w-]+)/g))
    if (services[name!] === undefined) wrong.push(`service ${name}`);
  for (const [, name, port] of text.matchAll(/\b(Kong|Prometheus|Grafana) on (\d+)/g))
    if (portOf(name!.toLowerCase()) !== port) wrong.push(`${name} on ${port}`);
  for (const [, one, two] of text.matchAll(/\((?:ports )?(\d{4}) and (\d{4})\)/g))
    if (portOf("novastream-1") !== one || portOf("novastream-2") !== two)
      wrong.push(`${one} and ${two}`);
  for (const [, port] of text.matchAll(/on\s+port (\d{4})\b/g))
    if (portOf("kong") !== port) wrong.push(`port ${port}`);
  return wrong;
}

describe.each(DOCUMENTS)("the commands of %s", (path) => {
  const text = readDocument(path);
  const commands = commandsOf(text);

  it("name what is in the cluster", verifies("documented-commands"), () => {
    expect(clusterProblems(commands)).toEqual([]);
  });

  it("give gcloud what it takes", verifies("documented-commands"), () => {
    expect(commands.flatMap(gcloudProblems)).toEqual([]);
  });

  it("run scripts of the package", verifies("documented-commands"), () => {
    const named = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, script]) => script!);
    for (const script of named) expect(Object.keys(scripts), script).toContain(script);
  });

  it("name profiles, services and ports of compose", verifies("documented-commands"), () => {
    expect(composeProblems(text)).toEqual([]);
  });
});

describe("the guide", () => {
  const guide = readDocument("docs/deploy.md");

  it("says where everything of compose is that it starts", verifies("documented-commands"), () => {
    const laptop = sectionOf(guide, "## On a laptop");
    expect(laptop).toContain(`(${portOf("novastream-1")} and ${portOf("novastream-2")})`);
    for (const name of ["Kong", "Prometheus", "Grafana"])
      expect(laptop).toContain(`${name} on ${portOf(name.toLowerCase())}`);
    expect(laptop).toContain(`http://127.0.0.1:${portOf("kong")}/`);
    const { MAX_CONNECTIONS, CHAT_MAX_GENERATIONS } = services["novastream-1"]!.environment!;
    expect(laptop).toContain(
      `of ${Number(MAX_CONNECTIONS).toLocaleString("en-US")} connections and ${CHAT_MAX_GENERATIONS} answers each`,
    );
  });

  it("asks for certificates one by one, as PEM", verifies("documented-commands"), () => {
    const asks = commandsOf(guide).find((command) => command.includes("certificate-authority"))!;
    // `value(…[].certificates[])` alone prints a list in brackets, and a separator of `\n` is two letters between them.
    expect(asks).toContain("--flatten 'managedServerCa.caCerts[].certificates[]'");
    expect(asks).toContain("--format 'value(managedServerCa.caCerts.certificates)' > ca.pem");
    expect(commandsOf(guide)).toContain("openssl x509 -in ca.pem -noout -subject -enddate");
  });

  it("has commands of each tool to look at", () => {
    for (const tool of ["gcloud", "kubectl", "helm", "docker"])
      expect(commandsOf(guide).some((command) => command.startsWith(`${tool} `))).toBe(true);
  });
});

describe("README", () => {
  it("says where compose's services and gateways are", verifies("documented-commands"), () => {
    const deploy = sectionOf(readDocument("README.md"), "## Deploy").replaceAll(/\s+/g, " ");
    expect(deploy).toContain(`(ports ${portOf("novastream-1")} and ${portOf("novastream-2")})`);
    expect(deploy).toContain(`in front on port ${portOf("kong")},`);
  });
});

describe("a planted error", () => {
  it.each([
    ["a namespace", "kubectl -n novaspher rollout status deployment/novastream"],
    ["a Deployment", "kubectl -n novastream rollout undo deployment/nova"],
    ["a Service", "kubectl -n novastream port-forward service/novastream-stream 8080:80"],
    ["a label's key", "kubectl -n novastream logs -l app.kubernetes.io/part=service"],
    ["a label's value", "kubectl -n novastream get pods -l app.kubernetes.io/component=server"],
    ["a ConfigMap", "kubectl -n novastream create configmap novastream-ca --from-file=ca.pem"],
    ["a Secret", "kubectl -n novastream create secret tls novastream-cert --cert=a --key=b"],
    ["a chart's Service", "kubectl -n kong get service proxy"],
  ])("is found: %s", verifies("documented-commands"), (_, command) => {
    const chart = "helm upgrade --install kong kong/ingress --namespace kong --create-namespace";
    expect(clusterProblems([chart, command])).toHaveLength(1);
  });

  it.each([
    ["a command", "gcloud memorystore instance describe novastream --project p"],
    ["a flag", "gcloud memorystore instances create novastream --shards 3"],
    ["a value", "gcloud memorystore instances create n --aof-config-append-fsync everysec"],
    [
      "a value after =",
      "gcloud memorystore instances create n --engine-configs=maxmemory-policy=allkeys-lru",
    ],
  ])("is found: %s of gcloud", verifies("documented-commands"), (_, command) => {
    expect(gcloudProblems(command)).toHaveLength(1);
  });

  it.each([
    "`--profile envoy`",
    "`docker compose stop novastream`",
    "Kong on 8080",
    "Grafana on 3001",
    "twice (ports 8081 and 8083)",
    "on\n  port 8080",
  ])("is found: %s", verifies("documented-commands"), (text) => {
    expect(composeProblems(text)).toHaveLength(1);
  });
});
