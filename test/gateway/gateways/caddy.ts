import { spawnSync } from "node:child_process";
import { freePort } from "../../support/net.ts";
import { type Gateway, SOON } from "./gateway.ts";
import {
  type Change,
  changed,
  checkConfiguration,
  GatewayProcess,
  type GatewayProgram,
  readShipped,
  requireProgram,
} from "./gateway-process.ts";

const PROGRAM: GatewayProgram = {
  program: process.env["CADDY"] ?? "caddy",
  from: "caddy",
  args: (_, file) => ["run", "--adapter", "caddyfile", "--config", file],
};
const FILE = "docker/gateways/Caddyfile";

/** `2.6.2` → `[2, 6, 2]`; compares as text does not. */
function versionOf(text: string): readonly number[] {
  return text.match(/\d+/g)!.slice(0, 3).map(Number);
}

function isOlder(than: string): boolean {
  const { stdout } = spawnSync(PROGRAM.program, ["version"], { encoding: "utf8" });
  const [here, there] = [versionOf(stdout), versionOf(than)];
  for (const [i, part] of there.entries()) if (here[i] !== part) return (here[i] ?? 0) < part;
  return false;
}

/** The file without the lines that this Caddy is too old for, as the file itself advises. */
function text(changes: readonly Change[]): string {
  const lines = readShipped("Caddyfile").split("\n");
  const known = lines.filter((line) => {
    const since = /# since ([\d.]+)$/.exec(line)?.[1];
    return since === undefined || !isOlder(since);
  });
  return changed(FILE, known.join("\n"), changes);
}

/** The directive by which this Caddy buffers. */
export function buffering(what: "requests" | "responses"): string {
  if (isOlder("2.7")) return `buffer_${what}`;
  return `${what.slice(0, -1)}_buffers 10MiB`;
}

export const caddy: Gateway = {
  name: "Caddy",
  file: FILE,
  careless: [["Accept *text/event-stream*", "Accept nothing/at-all"]],
  repeating: [["lb_retries 0", "lb_retries 1\nlb_retry_match {\nmethod POST\n}"]],
  start: async ({ backends: [one, two], broken = [], impatient = false }) => {
    requireProgram(PROGRAM);
    const port = await freePort();
    const changes: Change[] = [
      [":8000 {", `http://127.0.0.1:${port} {`],
      ["novastream-1:8080", one],
      ["novastream-2:8080", two],
      ["health_interval 2s", "health_interval 100ms"],
      // Its administration listens on a port which others of this machine may have taken.
      ["servers {", "admin off\nservers {"],
      // It has no idle timeouts to shorten.
      ...(impatient ? [SOON] : []),
    ];
    return GatewayProcess.start(PROGRAM, port, text([...broken, ...changes]));
  },
  check: (broken = []) =>
    checkConfiguration(PROGRAM, text(broken), (_, file) => [
      "validate",
      "--adapter",
      "caddyfile",
      "--config",
      file,
    ]),
};
