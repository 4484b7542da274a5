import { container, data, pod, type Planted } from "./breaking.ts";

/** In what the variables allow, and the pod does not hold. */
export const PLANTED_MEMORY: readonly Planted[] = [
  [
    "a heap as large as the pod",
    "fits into its memory",
    "local",
    (o) => (container(o).env[0].value = "--max-old-space-size=1536"),
    /may need 2325 MiB, and has 1536Mi/,
  ],
  [
    "send buffers of the kernel's own size",
    "fits into its memory",
    "local",
    (o) => delete pod(o).securityContext.sysctls,
    /send buffers/,
  ],
  [
    "readers who stall, of twice the send buffer",
    "fits into its memory",
    "local",
    (o) => (pod(o).securityContext.sysctls[0].value = "4096 16384 131072"),
    /may need 2054 MiB/,
  ],
  [
    "more connections than fit",
    "fits into its memory",
    "kong-gke",
    (o) => (data(o).MAX_CONNECTIONS = "20000"),
    /may need 2054 MiB/,
  ],
  [
    "more answers than the heap holds",
    "fits into its memory",
    "kong-gke",
    (o) => (data(o).CHAT_MAX_GENERATIONS = "1000"),
    /take 577 MiB, too much for the heap/,
  ],
  [
    "answers without a limit",
    "fits into its memory",
    "local",
    (o) => (data(o).CHAT_MAX_GENERATIONS = "0"),
    /too much for the heap/,
  ],
  [
    "readers who may stall for an hour",
    "fits into its memory",
    "local",
    (o) => (data(o).STALL_TIMEOUT = "1h"),
    /STALL_TIMEOUT: who reads nothing holds memory for 3600 s/,
  ],
  [
    "a limit of CPU",
    "fits into its memory",
    "local",
    (o) => (container(o).resources.limits.cpu = "1"),
    /throttles/,
  ],
  [
    "a flag that Node refuses",
    "fits into its memory",
    "local",
    (o) => (container(o).env[0].value = "max-old-space-size=640"),
    /too much for the heap/,
  ],
  [
    "send buffers of one figure",
    "fits into its memory",
    "local",
    (o) => (pod(o).securityContext.sysctls[0].value = "65536"),
    /send buffers/,
  ],
  [
    "no CPU asked for",
    "fits into its memory",
    "local",
    (o) => delete container(o).resources.requests.cpu,
    /asks for no CPU/,
  ],
];
