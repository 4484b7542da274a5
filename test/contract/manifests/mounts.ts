import { variablesOf } from "./environment.ts";
import { MADE_ELSEWHERE_KEYS } from "./references.ts";
import { allOf, deploymentOf, type Manifest, named, type Overlay, workloads } from "./rendered.ts";

/** The keys of a ConfigMap or a Secret; undefined where nobody tells them. */
function keysOf(overlay: Overlay, kind: string, name: string): readonly string[] | undefined {
  const made = allOf(overlay, kind).find(({ metadata }) => metadata.name === name);
  return made ? Object.keys(made.data ?? {}) : MADE_ELSEWHERE_KEYS[`${kind}/${name}`];
}

function keyProblems(overlay: Overlay, container: Manifest): string[] {
  return ((container.env ?? []) as Manifest[]).flatMap(({ name, value, valueFrom }) => {
    const { secretKeyRef, configMapKeyRef } = valueFrom ?? {};
    const asked = secretKeyRef ?? configMapKeyRef;
    if (!asked)
      return value === undefined ? [`${name}: has no value, and none from elsewhere`] : [];
    const kind = secretKeyRef ? "Secret" : "ConfigMap";
    const keys = keysOf(overlay, kind, asked.name);
    if (!keys) return [`${name}: README does not tell the keys of ${kind}/${asked.name}`];
    return keys.includes(asked.key)
      ? []
      : [`${name}: ${kind}/${asked.name} has ${keys.join()}, not ${asked.key}`];
  });
}

/** The files under a volume, where it is known which. */
function filesOf(overlay: Overlay, { configMap, secret }: Manifest): string[] | undefined {
  const items = (configMap ?? secret)?.items as Manifest[] | undefined;
  if (items) return items.map(({ path }) => path);
  const keys = configMap
    ? keysOf(overlay, "ConfigMap", configMap.name)
    : secret && keysOf(overlay, "Secret", secret.secretName);
  return keys ? [...keys] : undefined;
}

/** Variables that name a file, of the service's own. */
function fileProblems(overlay: Overlay): string[] {
  const pod = deploymentOf(overlay).spec.template.spec;
  const mounts = (pod.containers[0].volumeMounts ?? []) as Manifest[];
  return Object.entries(variablesOf(overlay))
    .filter(([name]) => name.endsWith("_FILE"))
    .flatMap(([name, path]) => {
      const mount = mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
      if (!mount) return [`${name}: nothing is mounted where ${path} would be`];
      const volume = (pod.volumes ?? []).find((one: Manifest) => one.name === mount.name);
      const files = volume && filesOf(overlay, volume);
      const file = path.slice(mount.mountPath.length + 1);
      return !files || files.includes(file)
        ? []
        : [`${name}: ${mount.mountPath} holds ${files.join()}, not ${file}`];
    });
}

/** What is mounted is a volume, what is a volume is mounted, and what is read is in it. */
export function mountProblems(overlay: Overlay): string[] {
  const pods = workloads(overlay).flatMap((workload) => {
    const pod = workload.spec.template.spec;
    const claims = (workload.spec.volumeClaimTemplates ?? []) as Manifest[];
    const volumes = new Set<string>([
      ...(pod.volumes ?? []).map(({ name }: Manifest) => name),
      ...claims.map(({ metadata }) => metadata.name),
    ]);
    const containers = [...pod.containers, ...(pod.initContainers ?? [])] as Manifest[];
    const mounted = new Set<string>(
      containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }: Manifest) => name)),
    );
    return [
      ...[...mounted]
        .filter((name) => !volumes.has(name))
        .map((name) => `mounts ${name}, which is no volume`),
      ...[...volumes]
        .filter((name) => !mounted.has(name))
        .map((name) => `has a volume ${name} that none mounts`),
      ...((pod.volumes ?? []) as Manifest[])
        .filter((volume) => Object.keys(volume as object).length === 1)
        .map(({ name }) => `has a volume ${name} of nothing`),
      ...containers.flatMap((container) => keyProblems(overlay, container)),
    ].map((problem) => `${named(workload)} ${problem}`);
  });
  return [...pods, ...fileProblems(overlay)];
}
