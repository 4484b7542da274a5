import { configOf, containerOf, variablesOf } from "./environment.ts";
import { deploymentOf, type Manifest, type Overlay } from "./rendered.ts";

const MIB = 1_024 ** 2;

const inMiB = (size: number): string => `${Math.ceil(size / MIB)} MiB`;
/** A quantity of memory. */
export const bytes = (quantity: string): number => {
  const [, digits, unit] = /^(\d+)(Mi|Gi)$/.exec(quantity)!;
  return Number(digits) * (unit === "Gi" ? 1_024 * MIB : MIB);
};

/** Measured: resident memory of an idle stream, and of an answer under way, both of which are in the heap. */
const STREAM_BYTES = 13 * 1_024;
const ANSWER_BYTES = 0.45 * MIB;
/** Of the heap: above it the collector takes the processor. */
const FULL_HEAP = 0.75;
/** A reader who takes nothing keeps its send buffer for so long. */
const LONGEST_STALL_MS = 120_000;
/** What Node itself takes outside the heap: code, stacks, the modules' own. */
const NODE_BYTES = 100 * MIB;

/**
 * What the variables allow fits into the pod's memory at the same time: in the heap all streams and all answers; beside it Node,
 * the buffers that readers share, and the kernel's send buffers, were every reader to stall at once. TLS is the gateway's.
 */
export function memoryProblems(overlay: Overlay): string[] {
  const { limits, requests } = containerOf(overlay).resources;
  const problems = [];
  if (limits.memory !== requests.memory)
    problems.push("a pod that uses more than it has asked for is the first to be evicted");
  if (!requests.cpu) problems.push("who asks for no CPU is the last to get any");
  if (limits.cpu) problems.push("a limit of CPU throttles every reader of the pod");
  const size = /^--max-old-space-size=(\d+)$/.exec(variablesOf(overlay)["NODE_OPTIONS"] ?? "")?.[1];
  const heap = Number(size) * MIB;
  const { admission, chat, ringBytes, stallMs } = configOf(overlay);
  if (stallMs > LONGEST_STALL_MS)
    problems.push(`STALL_TIMEOUT: who reads nothing holds memory for ${stallMs / 1_000} s`);
  const held = admission.maxConnections * STREAM_BYTES + chat.maxGenerations * ANSWER_BYTES;
  if (chat.maxGenerations === 0 || !(held <= FULL_HEAP * heap))
    problems.push(`streams and answers take ${inMiB(held)}, too much for the heap`);
  const { sysctls = [] } = deploymentOf(overlay).spec.template.spec.securityContext;
  const wmem = sysctls.find(({ name }: Manifest) => name === "net.ipv4.tcp_wmem")?.value as
    | string
    | undefined;
  const most = Number(/^\d+ \d+ (\d+)$/.exec(wmem ?? "")?.[1]);
  if (!(most >= 65_536)) problems.push("send buffers are the kernel's own, of 4 MiB, or too small");
  const needed = heap + NODE_BYTES + ringBytes + admission.maxConnections * most;
  if (!(needed <= bytes(limits.memory)))
    problems.push(`the pod may need ${inMiB(needed)}, and has ${limits.memory}`);
  return problems;
}
