import { container, find, pod, type Planted } from "./breaking.ts";

/** In what the pods are allowed. */
export const PLANTED_SECURITY: readonly Planted[] = [
  [
    "a root user",
    "runs restricted",
    "local",
    (o) => (pod(o).securityContext.runAsNonRoot = false),
    /may run as root/,
  ],
  [
    "root by its number",
    "runs restricted",
    "local",
    (o) => (pod(o).securityContext.runAsUser = 0),
    /Deployment\/novastream may run as root/,
  ],
  [
    "root in the container alone",
    "runs restricted",
    "local",
    (o) => (container(o).securityContext.runAsUser = 0),
    /a container that may run as root/,
  ],
  [
    "the node's network",
    "runs restricted",
    "local",
    (o) => (pod(o).hostNetwork = true),
    /has hostNetwork/,
  ],
  [
    "a port of the node",
    "runs restricted",
    "local",
    (o) => (container(o).ports[0].hostPort = 8080),
    /a port of its node/,
  ],
  [
    "a directory of the node",
    "runs restricted",
    "local",
    (o) => (pod(o).volumes = [{ name: "logs", hostPath: { path: "/var/log" } }]),
    /a volume logs of hostPath/,
  ],
  [
    "a capability",
    "runs restricted",
    "local",
    (o) => (container(o).securityContext.capabilities.add = ["NET_ADMIN"]),
    /adds capabilities NET_ADMIN/,
  ],
  [
    "no seccomp profile in the container",
    "runs restricted",
    "local",
    (o) => (container(o).securityContext.seccompProfile = { type: "Unconfined" }),
    /without a seccomp profile/,
  ],
  [
    "a sysctl that kubelets refuse",
    "runs restricted",
    "local",
    (o) => pod(o).securityContext.sysctls.push({ name: "net.core.somaxconn", value: "4096" }),
    /net\.core\.somaxconn, which is no safe sysctl/,
  ],
  [
    "a namespace that takes whatever comes",
    "runs restricted",
    "local",
    (o) =>
      (find(o, "Namespace", "novastream").metadata.labels["pod-security.kubernetes.io/enforce"] =
        "privileged"),
    /Namespace\/novastream takes pods that are privileged/,
  ],
  [
    "Services' variables beside its own",
    "runs restricted",
    "local",
    (o) => delete pod(o).enableServiceLinks,
    /REDIS_PORT/,
  ],
  [
    "a root file system that can be written",
    "runs restricted",
    "local",
    (o) => delete container(o).securityContext.readOnlyRootFilesystem,
    /may write/,
  ],
  [
    "an image without a version",
    "runs restricted",
    "apisix",
    (o) =>
      (find(o, "StatefulSet", "redis").spec.template.spec.containers[0].image = "valkey/valkey"),
    /which changes/,
  ],
];
