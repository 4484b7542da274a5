import { allOf, type Manifest, named, type Overlay, workloads } from "./rendered.ts";

/** By Kubernetes' list; the one of the service, for one, is safe from 1.32 on. A kubelet refuses any other. */
const SAFE_SYSCTLS = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ping_group_range",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.tcp_wmem",
]);
const VOLUMES = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);

function podProblems(pod: Manifest): string[] {
  const problems: string[] = [];
  const { runAsNonRoot, runAsUser, seccompProfile, sysctls = [] } = pod.securityContext ?? {};
  if (runAsNonRoot !== true || !(runAsUser > 0)) problems.push("may run as root");
  if (seccompProfile?.type !== "RuntimeDefault") problems.push("has no seccomp profile");
  for (const { name } of sysctls as Manifest[])
    if (!SAFE_SYSCTLS.has(name)) problems.push(`sets ${name}, which is no safe sysctl`);
  for (const shared of ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"])
    if (pod[shared]) problems.push(`has ${shared}`);
  if (pod.automountServiceAccountToken !== false)
    problems.push("gets a token of the cluster's API");
  if (pod.enableServiceLinks !== false)
    problems.push("gets variables of Services, like REDIS_PORT=tcp://…, that are not its own");
  for (const { name, ...source } of (pod.volumes ?? []) as Manifest[])
    for (const kind of Object.keys(source))
      if (!VOLUMES.has(kind)) problems.push(`has a volume ${name} of ${kind}`);
  return problems;
}

function containerProblems({ image, securityContext = {}, ports = [] }: Manifest): string[] {
  const problems: string[] = [];
  const { capabilities, ...context } = securityContext;
  if (context.allowPrivilegeEscalation !== false || context.privileged)
    problems.push("may gain privileges");
  if (context.readOnlyRootFilesystem !== true) problems.push("may write its root file system");
  if (`${capabilities?.drop}` !== "ALL") problems.push("keeps capabilities");
  if (capabilities?.add?.length) problems.push(`adds capabilities ${capabilities.add.join()}`);
  // What a container says of itself wins over what its pod says.
  if (context.runAsNonRoot === false || context.runAsUser === 0)
    problems.push("has a container that may run as root");
  if ((context.seccompProfile?.type ?? "RuntimeDefault") !== "RuntimeDefault")
    problems.push("has a container without a seccomp profile");
  if ((context.procMount ?? "Default") !== "Default") problems.push("sees the node's /proc");
  if (ports.some(({ hostPort }: Manifest) => hostPort)) problems.push("takes a port of its node");
  if (!/(:[^:/@]*\d[^:/@]*|@sha256:[\da-f]{64})$/.test(image))
    problems.push(`runs ${image}, which changes`);
  return problems;
}

/** The restricted Pod Security Standard, and somewhat more; the namespace holds whatever else is put there to it. */
export function securityProblems(overlay: Overlay): string[] {
  const pods = workloads(overlay).flatMap((workload) => {
    const pod = workload.spec.template.spec;
    const containers = [...pod.containers, ...(pod.initContainers ?? [])] as Manifest[];
    return [...podProblems(pod), ...containers.flatMap(containerProblems)].map(
      (problem) => `${named(workload)} ${problem}`,
    );
  });
  const namespaces = allOf(overlay, "Namespace")
    .map(({ metadata }) => [metadata, metadata.labels?.["pod-security.kubernetes.io/enforce"]])
    .filter(([, level]) => level !== "restricted")
    .map(([{ name }, level]) => `Namespace/${name} takes pods that are ${level ?? "anything"}`);
  return [...pods, ...namespaces];
}
