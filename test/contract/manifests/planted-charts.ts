import type { CHART_KEYS } from "./chart-keys.ts";
import type { Manifest } from "./rendered.ts";

type Change = (values: Manifest) => unknown;

/** A flag of Traefik's, with another value. */
const flag =
  (name: string, value: string): Change =>
  ({ additionalArguments: flags }) => {
    const at = flags.findIndex((one: string) => one.includes(`${name}=`));
    if (at === -1) throw new Error(`there is no ${name} to break`);
    flags[at] = flags[at].replace(/=.*$/, `=${value}`);
  };

/** In the values of the gateways' charts: what is wrong, in which, how it comes about, and what is said of it. */
export const PLANTED_CHARTS: readonly (readonly [
  string,
  keyof typeof CHART_KEYS,
  Change,
  RegExp,
])[] = [
  [
    "a key that the chart does not read",
    "kong",
    ({ gateway }) => {
      gateway.proxy = { externalTraficPolicy: "Local" };
    },
    /gateway\.proxy\.externalTraficPolicy is not read/,
  ],
  [
    "a key at another depth",
    "kong",
    (values) => (values.proxy = { externalTrafficPolicy: "Local" }),
    /^proxy\.externalTrafficPolicy is not read/m,
  ],
  [
    "a variable that Kong does not read",
    "kong",
    ({ gateway }) => (gateway.env.worker_shutdown_timeout = "300s"),
    /gateway\.env\.worker_shutdown_timeout is not read/,
  ],
  [
    "nodes' addresses in place of clients'",
    "kong",
    ({ gateway }) => delete gateway.proxy,
    /proxy\.externalTrafficPolicy: every client/,
  ],
  [
    "a wait shorter than the load balancer's",
    "kong",
    ({ gateway }) =>
      (gateway.lifecycle.preStop.exec.command = ["kong", "quit", "--wait=15", "--timeout=300"]),
    /waits 15 s/,
  ],
  [
    "the drain that `kong quit` has by itself",
    "kong",
    ({ gateway }) => gateway.lifecycle.preStop.exec.command.pop(),
    /drains for 0 s/,
  ],
  [
    "the chart's own preStop",
    "kong",
    ({ gateway }) => delete gateway.lifecycle,
    /waits 0 s[^]*drains for 0 s/,
  ],
  [
    "the chart's own grace",
    "kong",
    ({ gateway }) => delete gateway.terminationGracePeriodSeconds,
    /grace of 30 s/,
  ],
  [
    "workers that wait for ever",
    "kong",
    ({ gateway }) => delete gateway.env.nginx_main_worker_shutdown_timeout,
    /workers outlive the drain/,
  ],
  [
    "uploads that may not pause",
    "kong",
    ({ gateway }) => (gateway.env.nginx_http_client_body_timeout = "60s"),
    /an upload that is silent is cut/,
  ],
  ["one pod", "kong", ({ gateway }) => delete gateway.replicaCount, /^1 pods/m],
  [
    "a controller alone",
    "kong",
    ({ controller }) => (controller.replicaCount = 1),
    /learns of no new pod/,
  ],
  [
    "no budget",
    "kong",
    ({ gateway }) => (gateway.podDisruptionBudget.enabled = false),
    /podDisruptionBudget: a node's drain/,
  ],
  [
    "all in one zone",
    "traefik",
    ({ topologySpreadConstraints: spread }) => spread.shift(),
    /all pods may be in one topology\.kubernetes\.io\/zone/,
  ],
  [
    "a spread of nobody's pods",
    "traefik",
    ({ deployment }) => delete deployment.podLabels,
    /selects pods of other labels/,
  ],
  [
    "memory that is not asked for",
    "traefik",
    ({ resources }) => (resources.requests.memory = "256Mi"),
    /evicted first/,
  ],
  [
    "a limit of CPU",
    "kong",
    ({ gateway }) => (gateway.resources.limits.cpu = "1"),
    /throttles every stream/,
  ],
  [
    "ten seconds for what is open",
    "traefik",
    flag("websecure.transport.lifeCycle.graceTimeOut", "10s"),
    /websecure drains for 10 s/,
  ],
  [
    "no wait for the load balancer",
    "traefik",
    flag("uploads.transport.lifeCycle.requestAcceptGraceTimeout", "0s"),
    /uploads waits 0 s/,
  ],
  [
    "the chart's own grace in Traefik's",
    "traefik",
    ({ deployment }) => delete deployment.terminationGracePeriodSeconds,
    /grace of 60 s/,
  ],
  [
    "a bound on whole answers",
    "traefik",
    flag("websecure.transport.respondingTimeouts.writeTimeout", "60s"),
    /websecure writeTimeout: cuts streams/,
  ],
  [
    "a bound on uploads",
    "traefik",
    flag("uploads.transport.respondingTimeouts.readTimeout", "60s"),
    /uploads readTimeout 60s: cuts uploads/,
  ],
  [
    "no bound on heads",
    "traefik",
    flag("websecure.transport.respondingTimeouts.readTimeout", "0s"),
    /websecure readTimeout 0s: heads/,
  ],
  [
    "an entry point that is not open",
    "traefik",
    ({ ports }) => (ports.uploads.expose.default = false),
    /uploads: no port of the load balancer/,
  ],
  [
    "an entry point that nobody routes",
    "traefik",
    ({ ports }) => (ports.other = { port: 9_000, exposedPort: 9_000, expose: { default: true } }),
    /ports\.other: no route is there/,
  ],
  [
    "an entry point that is not there",
    "traefik",
    (values) => delete values.ports,
    /uploads: no port of the load balancer/,
  ],
  [
    "no way to the encrypted port",
    "traefik",
    ({ additionalArguments: flags }) => flags.splice(0, 3),
    /web: answers in the clear/,
  ],
  [
    "nodes' addresses before Traefik",
    "traefik",
    ({ service }) => (service.spec.externalTrafficPolicy = "Cluster"),
    /service\.spec\.externalTrafficPolicy: every client/,
  ],
];
