import { readFileSync } from "node:fs";
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
  program: "nginx",
  from: "nginx-light",
  args: (directory, file) => [
    "-c",
    file,
    "-e",
    "stderr",
    "-g",
    `daemon off; pid ${directory}/pid;`,
  ],
};
const FILE = "docker/gateways/nginx.conf";

/** The file with its durations as short as the tests are; everything else stays as it is shipped. */
const short: readonly Change[] = [
  [/\b(proxy_read_timeout|proxy_send_timeout|client_body_timeout) 300s;/g, `$1 ${IDLE_SECONDS}s;`],
  ["send_timeout 60s;", `send_timeout ${IDLE_SECONDS}s;`],
  SOON,
];
const addresses = (port: number, [one, two]: readonly [string, string]): readonly Change[] => [
  ["listen 8000 ", `listen 127.0.0.1:${port} `],
  ["novastream-1:8080", one],
  ["novastream-2:8080", two],
];

export const nginx: Gateway = {
  ...createNginx("nginx", FILE, () => readShipped("nginx.conf"), short),
  careless: [["error_page 502 503 504 = @away;", ""]],
  repeating: [
    ["proxy_next_upstream error;", "proxy_next_upstream error non_idempotent;"],
    // What has been sent on as it came cannot be sent again.
    ["proxy_request_buffering off;", ""],
  ],
};

/** What Kong and APISIX render for a route that buffers neither way, as one more configuration of nginx. */
export const unbufferedRoute: Gateway = createNginx(
  "nginx with the directives of Kong's and APISIX's unbuffered routes",
  "test/gateway/gateways/unbuffered-route.conf",
  () => readFileSync(new URL("unbuffered-route.conf", import.meta.url), "utf8"),
  [
    [
      /\b(proxy_read_timeout|proxy_send_timeout|client_body_timeout) 300s;/g,
      `$1 ${IDLE_SECONDS}s;`,
    ],
  ],
);

function createNginx(
  name: string,
  file: string,
  read: () => string,
  durations: readonly Change[],
): Gateway {
  const text = (changes: readonly Change[]) => changed(file, read(), changes);
  return {
    name,
    file,
    start: async ({ backends, broken = [], impatient = false }) => {
      const port = await freePort();
      const changes = [...broken, ...(impatient ? durations : []), ...addresses(port, backends)];
      return GatewayProcess.start(PROGRAM, port, text(changes));
    },
    check: (broken = []) => {
      // Names are looked up by the check, too.
      const known = addresses(8_000, ["127.0.0.1:8080", "127.0.0.2:8080"]);
      return checkConfiguration(PROGRAM, text([...broken, ...known]), (directory, file) => [
        "-t",
        ...PROGRAM.args(directory, file),
      ]);
    },
  };
}
