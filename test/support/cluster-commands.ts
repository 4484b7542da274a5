import { readdirSync, readFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";
import { inRoot } from "../contract/support-dockerfile.ts";

const KINDS: Readonly<Record<string, string>> = {
  deployment: "Deployment",
  deploy: "Deployment",
  service: "Service",
  svc: "Service",
  hpa: "HorizontalPodAutoscaler",
};

const files = readdirSync(inRoot("k8s"), { recursive: true, encoding: "utf8" })
  .filter((path) => /^(base|components)\/.*\.yaml$/.test(path))
  .map((path) => readFileSync(inRoot(`k8s/${path}`), "utf8"));
const objects = files.flatMap((text) => parseAllDocuments(text).map((each) => each.toJS()));

/** Of the pods, those that kustomize adds included. */
const labels: Readonly<Record<string, string>> = {
  ...objects.find(({ kind }) => kind === "Deployment").spec.template.metadata.labels,
  ...parse(readFileSync(inRoot("k8s/base/kustomization.yaml"), "utf8")).labels[0].pairs,
};

const isThere = (kind: string | undefined, name: string): boolean =>
  objects.some((each) => each?.kind === kind && each.metadata.name === name);

/** What stands in k8s/ as a name that somebody else has to make. */
const isWanted = (name: string): boolean =>
  files.some((text) => new RegExp(String.raw`(?<![\w.-])${name}(?![\w.-])`).test(text));

/**
 * What commands name of a cluster that the manifests, and the charts that these commands install, do not have there: a
 * namespace, a label, an object.
 */
export function clusterProblems(commands: readonly string[]): string[] {
  const charts = commands.flatMap((command) => {
    const [, release, namespace] =
      /^helm upgrade --install (\S+) .*--namespace (\S+) --create-namespace/.exec(command) ?? [];
    return release === undefined ? [] : [{ release, namespace: namespace! }];
  });
  const own = objects.find(({ kind }) => kind === "Namespace").metadata.name as string;
  // Every cluster has the first two.
  const namespaces = new Set([
    "default",
    "kube-system",
    own,
    ...charts.map(({ namespace }) => namespace),
  ]);
  return commands
    .filter((command) => command.includes("kubectl "))
    .flatMap((command) => {
      const namespace = /\s(?:-n|--namespace)[ =](\S+)/.exec(command)?.[1];
      const wrong: string[] = [];
      if (namespace !== undefined && !namespaces.has(namespace))
        wrong.push(`namespace ${namespace}`);
      for (const [, key, value] of command.matchAll(/\s-l ([\w./-]+)=([\w./-]+)/g))
        if (labels[key!] !== value) wrong.push(`label ${key}=${value}`);
      if (namespace === own) {
        for (const [, kind, name] of command.matchAll(/\s([a-z]+)\/([\w-]+)/g))
          if (!isThere(KINDS[kind!], name!)) wrong.push(`${kind}/${name}`);
        for (const [, name] of command.matchAll(
          / (?:create|delete|get) (?:configmap|secret (?:tls|generic)|hpa) ([\w-]+)/g,
        ))
          if (!isWanted(name!)) wrong.push(name!);
      } else {
        const [, service] = / get service ([\w-]+)/.exec(command) ?? [];
        const chart = charts.find((each) => each.namespace === namespace);
        // A chart's Services begin with the name of its release.
        if (service !== undefined && !service.startsWith(chart?.release ?? "\0"))
          wrong.push(service);
      }
      return wrong.map((what) => `${what}: ${command}`);
    });
}
