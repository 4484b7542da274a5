import { freePort } from "../../support/net.ts";
import { type Gateway, IDLE_SECONDS, SOON } from "./gateway.ts";
import {
  type Change,
  changed,
  checkConfiguration,
  GatewayProcess,
  type GatewayProgram,
  readShipped,
} from "./gateway-process.ts";

const PROGRAM: GatewayProgram = {
  program: "haproxy",
  from: "haproxy",
  args: (_, file) => ["-db", "-f", file],
};
const FILE = "docker/gateways/haproxy.cfg";

const durations: readonly Change[] = [
  [/timeout (client|server|tunnel) 300s/g, `timeout $1 ${IDLE_SECONDS}s`],
  SOON,
];
const text = (changes: readonly Change[]) => changed(FILE, readShipped("haproxy.cfg"), changes);

export const haproxy: Gateway = {
  name: "HAProxy",
  file: FILE,
  careless: [["hdr(accept) -m sub text/event-stream", "hdr(accept) -m sub nothing/at-all"]],
  repeating: [["retry-on conn-failure", "retry-on all-retryable-errors"]],
  start: async ({ backends: [one, two], broken = [], impatient = false }) => {
    const port = await freePort();
    const addresses: Change[] = [
      ["maxconn 20000", "maxconn 1000"],
      ["bind :8000", `bind 127.0.0.1:${port}`],
      ["check inter 2s", "check inter 100ms"],
      ["novastream-1:8080", one],
      ["novastream-2:8080", two],
    ];
    return GatewayProcess.start(
      PROGRAM,
      port,
      text([...broken, ...(impatient ? durations : []), ...addresses]),
    );
  },
  check: (broken = []) =>
    checkConfiguration(PROGRAM, text(broken), (_, file) => ["-c", "-f", file]),
};
