import { allOf, deploymentOf, named, type Overlay } from "./rendered.ts";

/** Of no namespace, being of the whole cluster. */
const CLUSTER_KINDS = new Set(["Namespace", "ClusterRole", "ClusterRoleBinding", "GatewayClass"]);

/** All stands in the namespace that the overlay makes: what names another in its own does not find it elsewhere. */
export function namespaceProblems(overlay: Overlay): string[] {
  const home = deploymentOf(overlay).metadata.namespace as string | undefined;
  const made = allOf(overlay, "Namespace").map(({ metadata }) => metadata.name as string);
  const problems = made.includes(`${home}`) ? [] : [`nobody makes the namespace ${home}`];
  for (const manifest of overlay.manifests) {
    const { namespace } = manifest.metadata;
    if (!CLUSTER_KINDS.has(manifest.kind as string) && namespace !== home)
      problems.push(`${named(manifest)} is in ${namespace}, the service in ${home}`);
    const secret = manifest.kind === "ApisixTls" ? manifest.spec.secret.namespace : home;
    if (secret !== home)
      problems.push(`${named(manifest)} takes its Secret from ${secret}, and it is in ${home}`);
  }
  return problems;
}
