import { trySize } from "../../../src/wire/units.ts";
import { bytes } from "./memory.ts";
import { allOf, type Manifest, named, type Overlay } from "./rendered.ts";

/** Beside the data, and beside what a fork copies of it: clients' buffers, the allocator's waste. */
const ROOM = 1.1;
/** What it takes to write down what it has, by default. */
const LEAST_GRACE_S = 30;
const DEFAULT_PORT = 6_379;
/** How many values each takes, of those that are used: Valkey does not start with one that it does not know. */
const SETTINGS: Readonly<Record<string, number>> = {
  appendonly: 1,
  appendfsync: 1,
  "client-output-buffer-limit": 4,
  dir: 1,
  maxmemory: 1,
  "maxmemory-policy": 1,
  port: 1,
  save: 1,
};

type Settings = ReadonlyMap<string, readonly string[]>;

/** What stands on its command line: each `--name`, and the values up to the next. */
function settingsOf(args: readonly string[]): Settings {
  const settings = new Map<string, string[]>([["", []]]);
  let last = "";
  for (const word of args) {
    if (word.startsWith("--")) settings.set((last = word.slice(2)), []);
    else settings.get(last)!.push(word);
  }
  return settings;
}

/** Valkey's `768mb` is a MiB times 768. */
const sizeOf = (text = ""): number | undefined =>
  trySize(text.replace(/mb$/i, "MiB").replace(/gb$/i, "GiB"));

function settingProblems(settings: Settings, limit: number): string[] {
  const of = (name: string): string | undefined => settings.get(name)?.join(" ");
  const problems = [...settings]
    .filter(([name, values]) => values.length !== (name === "" ? 0 : SETTINGS[name]))
    .map(([name, values]) => `does not start with --${name} ${values.join(" ")}`);
  if (of("maxmemory-policy") !== "noeviction")
    problems.push(`maxmemory-policy ${of("maxmemory-policy")} takes topics from their readers`);
  if (of("appendonly") !== "yes")
    problems.push("forgets at a restart what it has acknowledged: appendonly yes");
  if (!["everysec", "always", undefined].includes(of("appendfsync")))
    problems.push(`forgets more than a second at a crash: appendfsync ${of("appendfsync")}`);
  const most = sizeOf(of("maxmemory"));
  if (most === undefined || 2 * most * ROOM > limit)
    problems.push(
      `maxmemory ${of("maxmemory")}, twice while its file is rewritten, is more than its limit holds`,
    );
  return problems;
}

/** With `-e` an error, like LOADING, is a failure; without it only silence is. */
function probeProblems(container: Manifest): string[] {
  return ["readinessProbe", "livenessProbe", "startupProbe"].flatMap((name) => {
    const command = (container[name]?.exec?.command ?? []) as string[];
    if (command[0] !== "valkey-cli" || command.at(-1) !== "ping")
      return [`is not asked by valkey-cli ping: ${name}`];
    const errorsFail = command.includes("-e");
    if (name === "readinessProbe")
      return errorsFail
        ? []
        : ["is called ready while it loads: valkey-cli ends with 0 but for -e"];
    return errorsFail ? [`is killed while it loads: -e in its ${name}`] : [];
  });
}

function storageProblems(workload: Manifest, directory: string): string[] {
  const pod = workload.spec.template.spec;
  const claims = (workload.spec.volumeClaimTemplates ?? []) as Manifest[];
  const mounts = (pod.containers[0].volumeMounts ?? []) as Manifest[];
  const data = mounts.find(({ mountPath }) => mountPath === directory);
  if (!claims.some(({ metadata }) => metadata.name === data?.name))
    return [`${directory} is on no claimed volume: the log goes with the pod`];
  const { fsGroup, runAsGroup } = pod.securityContext ?? {};
  return fsGroup > 0 && fsGroup === runAsGroup
    ? []
    : [`may not write to ${directory}: fsGroup ${fsGroup} is not its group ${runAsGroup}`];
}

const isValkey = ({ spec }: Manifest): boolean =>
  /valkey|redis/.test(spec.template.spec.containers[0].image);

/** A Redis of the overlay's own keeps what it has acknowledged, and does not end for want of memory. */
export function valkeyProblems(overlay: Overlay): string[] {
  return allOf(overlay, "StatefulSet", "Deployment")
    .filter(isValkey)
    .flatMap((workload) => {
      const { replicas = 1, template } = workload.spec;
      const [container] = template.spec.containers;
      const { limits, requests } = container.resources;
      const settings = settingsOf(container.args ?? []);
      const problems = [
        ...settingProblems(settings, bytes(limits.memory)),
        ...probeProblems(container),
        ...storageProblems(workload, settings.get("dir")?.[0] ?? "/data"),
      ];
      if (replicas !== 1) problems.push(`is ${replicas} logs that do not know each other`);
      if (requests?.memory !== limits.memory || !requests?.cpu)
        problems.push("uses more than it has asked for, and is evicted first");
      if ((template.spec.terminationGracePeriodSeconds ?? LEAST_GRACE_S) < LEAST_GRACE_S)
        problems.push("is killed before it has written down what it has");
      const port = Number(settings.get("port")?.[0] ?? DEFAULT_PORT);
      if (container.ports?.[0]?.containerPort !== port)
        problems.push(`listens at ${port}, and its port is ${container.ports?.[0]?.containerPort}`);
      return problems.map((problem) => `${named(workload)}: ${problem}`);
    });
}
