import { find, type Planted } from "./breaking.ts";
import type { Manifest, Overlay } from "./rendered.ts";

const valkey = (overlay: Overlay): Manifest =>
  find(overlay, "StatefulSet", "redis").spec.template.spec.containers[0];
const setting = (overlay: Overlay, name: string, value: string): unknown => {
  const { args } = valkey(overlay);
  const at = args.indexOf(`--${name}`);
  if (at === -1) throw new Error(`there is no --${name} to break`);
  return (args[at + 1] = value);
};

/** In whether the Valkey of the overlay's own keeps what it is told. */
export const PLANTED_VALKEY: readonly Planted[] = [
  [
    "a policy that evicts",
    "keeps its log",
    "local",
    (o) => setting(o, "maxmemory-policy", "allkeys-lru"),
    /allkeys-lru takes topics/,
  ],
  [
    "more data than its limit",
    "keeps its log",
    "local",
    (o) => setting(o, "maxmemory", "2gb"),
    /maxmemory 2gb, twice while/,
  ],
  [
    "no room beside the data and its copy",
    "keeps its log",
    "local",
    (o) => (valkey(o).resources.limits.memory = "1Gi"),
    /more than its limit holds/,
  ],
  [
    "a log in memory alone",
    "keeps its log",
    "local",
    (o) => setting(o, "appendonly", "no"),
    /forgets at a restart/,
  ],
  [
    "a log that goes with its pod",
    "keeps its log",
    "local",
    (o) => {
      const { spec } = find(o, "StatefulSet", "redis");
      delete spec.volumeClaimTemplates;
      spec.template.spec.volumes = [{ name: "data", emptyDir: {} }];
    },
    /\/data is on no claimed volume/,
  ],
  [
    "a Valkey that is ready while it loads",
    "keeps its log",
    "local",
    (o) => (valkey(o).readinessProbe.exec.command = ["valkey-cli", "ping"]),
    /called ready while it loads/,
  ],
  [
    "a Valkey that is killed while it loads",
    "keeps its log",
    "local",
    (o) => (valkey(o).livenessProbe.exec.command = ["valkey-cli", "-e", "ping"]),
    /killed while it loads: -e in its livenessProbe/,
  ],
  [
    "a setting that Valkey does not know",
    "keeps its log",
    "local",
    (o) => (valkey(o).args[0] = "--append-only"),
    /does not start with --append-only yes/,
  ],
  [
    "a setting without its value",
    "keeps its log",
    "local",
    (o) => valkey(o).args.pop(),
    /does not start with --client-output-buffer-limit pubsub 64mb 32mb$/m,
  ],
  [
    "a log that is written when the kernel likes",
    "keeps its log",
    "local",
    (o) => setting(o, "appendfsync", "no"),
    /appendfsync no/,
  ],
  [
    "two logs",
    "keeps its log",
    "local",
    (o) => (find(o, "StatefulSet", "redis").spec.replicas = 2),
    /is 2 logs that do not know each other/,
  ],
  [
    "a volume that it may not write",
    "keeps its log",
    "local",
    (o) => delete find(o, "StatefulSet", "redis").spec.template.spec.securityContext.fsGroup,
    /may not write to \/data/,
  ],
  [
    "memory that is not asked for",
    "keeps its log",
    "local",
    (o) => (valkey(o).resources.requests.memory = "256Mi"),
    /is evicted first/,
  ],
  [
    "an end before it has written",
    "keeps its log",
    "local",
    (o) => (find(o, "StatefulSet", "redis").spec.template.spec.terminationGracePeriodSeconds = 1),
    /killed before it has written/,
  ],
  [
    "another port",
    "keeps its log",
    "local",
    (o) => (valkey(o).ports[0].containerPort = 6_380),
    /listens at 6379, and its port is 6380/,
  ],
  [
    "a question that the image cannot ask",
    "keeps its log",
    "local",
    (o) => (valkey(o).livenessProbe.exec.command = ["redis-client", "ping"]),
    /is not asked by valkey-cli ping: livenessProbe/,
  ],
];
