import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/config.ts";
import { trySize } from "../../src/wire/units.ts";
import { measured } from "../support/benchmark-figures.ts";
import { readDocument, rowsOf, sectionOf } from "../support/documents.ts";
import { million } from "../support/million.ts";
import { verifies } from "../support/verifies.ts";

const guide = readDocument("docs/deploy.md");
const read = (name: string) => parse(readDocument(`k8s/base/${name}.yaml`));

const deployment = read("deployment");
const { maxReplicas, metrics } = read("horizontal-pod-autoscaler").spec;
const literals: string[] = read("kustomization").configMapGenerator[0].literals;
const config = parseConfig(
  Object.fromEntries(literals.map((line) => line.split(/=(.*)/).slice(0, 2) as [string, string])),
);
const { securityContext, containers } = deployment.spec.template.spec;
const { env, resources } = containers[0];

const MIB = 1_024 ** 2;
const NODE_MIB = 100;
const heapMib = Number(
  /=(\d+)$/.exec(env.find(({ name }: { name: string }) => name === "NODE_OPTIONS").value)![1],
);
const limitMib = trySize(resources.limits.memory.replace(/i$/, "iB"))! / MIB;
const sendBytes = Number(
  securityContext.sysctls
    .find(({ name }: { name: string }) => name.endsWith("tcp_wmem"))
    .value.split(" ")[2],
);
const { minReadySeconds } = deployment.spec;
const perAddress = /PER_ADDRESS=(\d+)/.exec(
  readDocument("k8s/components/gateway-kong/common/kustomization.yaml"),
)![1]!;
const comma = (value: number) => Math.round(value).toLocaleString("en-US");

/** `640 + 100 + 64 + 625 = 1,429 MiB`: all that a pod may take at the same time. */
function sumOf(heap: number, connections: number): string {
  const buffers = config.ringBytes / MIB;
  const sent = (connections * sendBytes) / MIB;
  return `${heap} + ${NODE_MIB} + ${buffers} + ${comma(sent)} = ${comma(heap + NODE_MIB + buffers + Math.round(sent))} MiB`;
}

/** What the guide's prose on sizes has to say, of what is in the manifests and the benchmark. */
const SIZES: Readonly<Record<string, string>> = {
  "a pod's memory": `${sumOf(heapMib, config.admission.maxConnections)} of its ${comma(limitMib)}`,
  "a larger pod's memory": sumOf(768, 25_000),
  "the send buffer": `${sendBytes / 1_024} KiB × \`MAX_CONNECTIONS\``,
  "the heap": `${(config.admission.maxConnections * 13.4) / 1e3} + ${config.chat.maxGenerations * 0.45} = 359 MB for the base's ${comma(config.admission.maxConnections)} and its \`CHAT_MAX_GENERATIONS\` of ${config.chat.maxGenerations}`,
  "the autoscaler's end": `up to ${maxReplicas} pods (\`maxReplicas\`), ${comma(0.7 * maxReplicas * config.admission.maxConnections)} connections at 70 %`,
  "the autoscaler's mark": `${metrics[0].resource.target.averageUtilization} % of ${resources.requests.cpu} of CPU`,
  "answers that reach it": `${Math.floor((0.7 * 0.25 * measured("tokens-redis.perCpuSecond")) / 30)} answers of 30 tokens a second in each pod`,
  "answers of a core": `${Math.round(4_900 / 50)} answers of 50 tokens a second`,
  "an address's streams": `One address may have ${comma(Number(perAddress))} streams of a pod`,
  "a rollout": `(\`minReadySeconds\`: ${minReadySeconds})`,
};

const missing = (text: string): string[] => {
  const words = text.replaceAll(/\s+/g, " ");
  return Object.keys(SIZES).filter((what) => !words.includes(SIZES[what]!));
};

const estimate = million({
  connectionsOfPod: 0.7 * config.admission.maxConnections,
  gibOfPod: limitMib / 1_024,
  heartbeatSeconds: config.heartbeatMs / 1e3,
  auditSeconds: config.auditMs / 1e3,
  probeSeconds: config.probeIntervalMs / 1e3,
  minReadySeconds,
});

/** Rows of the estimate that say something else, each with what it does not say. */
function wrongEstimates(text: string): string[] {
  const [, ...rows] = rowsOf(sectionOf(text, "### A million connections"));
  const wrong = rows.flatMap(([name, ...cells]) =>
    (estimate[name!] ?? ["nothing"])
      .filter((part) => !cells.join(" | ").includes(part))
      .map((part) => `${name}: ${part}`),
  );
  const absent = Object.keys(estimate).filter((name) => !rows.some(([own]) => own === name));
  return [...wrong, ...absent];
}

describe("the guide's sizes", () => {
  it("are the manifests' and the benchmark's", verifies("documented-figures"), () => {
    expect(missing(guide)).toEqual([]);
  });

  it("of nodes are those that the pods find room on", verifies("documented-figures"), () => {
    const [, cpus] = /--machine-type e2-standard-(\d+)/.exec(guide)!;
    const asked = ["kong", "traefik"].map((chart) => {
      const values = parse(readDocument(`k8s/charts/${chart}.yaml`));
      return (values.gateway ?? values).resources.requests as { cpu: string; memory: string };
    });
    // A node of that kind has 4 GiB for each CPU, and keeps some of both for itself.
    for (const { cpu, memory } of asked) {
      expect(Number(cpu)).toBeLessThanOrEqual(Number(cpus) - 1);
      expect(trySize(`${memory}B`)! / MIB).toBeLessThanOrEqual((Number(cpus) - 1) * 4_096);
    }
  });

  it("of a million connections follow from them", verifies("documented-figures"), () => {
    expect(wrongEstimates(guide)).toEqual([]);
  });

  it.each([
    ["625 = 1,429 MiB", "625 = 1,400 MiB"],
    ["up to 20 pods", "up to 10 pods"],
    ["70 % of 250m", "80 % of 250m"],
    ["64 KiB × `MAX", "128 KiB × `MAX"],
  ])("would not be so with %s as %s", verifies("documented-figures"), (right, wrong) => {
    const planted = guide.replace(right, wrong);
    expect(planted).not.toBe(guide);
    expect(missing(planted)).not.toEqual([]);
  });

  it.each([
    ["| pods | 143", "| pods | 100"],
    ["61 cores in all", "35 cores in all"],
    ["3.6 cores in all", "1.2 cores in all"],
    ["220 GB with a replica", "110 GB with a replica"],
    ["| 18 at least", "| 9 at least"],
    ["| 4 hours at", "| 50 minutes at"],
    ["| audits | 24,000", "| audits | 2,400"],
    ["| probes |", "| trials |"],
  ])("would not follow with %s as %s", verifies("documented-figures"), (right, wrong) => {
    const planted = guide.replace(right, wrong);
    expect(planted).not.toBe(guide);
    expect(wrongEstimates(planted)).not.toEqual([]);
  });
});
