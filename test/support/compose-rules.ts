import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { inRoot } from "../contract/support-dockerfile.ts";
import { type Compose, type ComposeService, mountsOf } from "./compose.ts";

/** The tags that are meant, and what would make them others. */
const IMAGES: Readonly<Record<string, string>> = {
  // As in k8s/components/redis.
  redis: "valkey/valkey:8.1",
  // Stable since April 2026.
  nginx: "nginx:1.30-alpine",
  // Supported until 2030.
  haproxy: "haproxy:3.2-alpine",
  caddy: "caddy:2.11-alpine",
  traefik: "traefik:v3.7",
  // There is no open source build of a later one.
  kong: "kong:3.9",
  // From 3.17 on `proxy-buffering` is part of it, without which streams are buffered.
  apisix: "apache/apisix:3.18.0-debian",
  // Supported until July 2027.
  prometheus: "prom/prometheus:v3.13.2",
  grafana: "grafana/grafana:13.2.1",
};

const imageProblems = ({ services }: Compose): string[] =>
  Object.entries(services)
    .filter(([name, { build, image }]) => !build && image !== IMAGES[name])
    .map(([name, { image }]) => `${name}: image ${image}`);

/** The flag of a command, `--flag=value` or `--flag value`. */
function flagOf({ command = [] }: ComposeService, flag: string): string | undefined {
  const at = command.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  return at < 0 ? undefined : (command[at]!.split("=")[1] ?? command[at + 1]);
}

/** Where each image looks for what is mounted into it, by the end of its source. */
function placesOf(name: string, service: ComposeService): Record<string, string | undefined> {
  const traefik = parse(readFileSync(inRoot("docker/gateways/traefik/traefik.yaml"), "utf8"));
  const rules = parse(readFileSync(inRoot("observability/prometheus.yaml"), "utf8")).rule_files;
  const all: Readonly<Record<string, Record<string, string | undefined>>> = {
    redis: { "redis-data": "/data" },
    nginx: { "nginx.conf": "/etc/nginx/nginx.conf" },
    haproxy: { "haproxy.cfg": "/usr/local/etc/haproxy/haproxy.cfg" },
    caddy: { Caddyfile: "/etc/caddy/Caddyfile" },
    traefik: {
      "traefik.yaml": "/etc/traefik/traefik.yaml",
      dynamic: traefik.providers.file.directory,
    },
    kong: { "kong.yaml": service.environment?.["KONG_DECLARATIVE_CONFIG"] },
    apisix: {
      "config.yaml": "/usr/local/apisix/conf/config.yaml",
      "apisix.yaml": "/usr/local/apisix/conf/apisix.yaml",
    },
    prometheus: {
      "prometheus.yaml": flagOf(service, "--config.file"),
      "rules.yaml": rules[0],
      "prometheus-data": flagOf(service, "--storage.tsdb.path"),
    },
    grafana: {
      "datasources.yaml": "/etc/grafana/provisioning/datasources/novastream.yaml",
      "dashboards.yaml": "/etc/grafana/provisioning/dashboards/novastream.yaml",
      "dashboard.json": service.environment?.["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"],
    },
  };
  return all[name] ?? {};
}

/** What is mounted where nobody reads it, and what is read and not mounted. */
function mountProblems({ services }: Compose): string[] {
  return Object.entries(services).flatMap(([name, service]) => {
    const places = placesOf(name, service);
    const mounts = mountsOf(service);
    return [
      ...mounts
        .filter(({ source, target }) => places[source.split("/").at(-1)!] !== target)
        .map(({ source, target }) => `${name}: ${source} at ${target}`),
      ...Object.keys(places)
        .filter((end) => !mounts.some(({ source }) => source.split("/").at(-1) === end))
        .map((end) => `${name}: no ${end}`),
    ];
  });
}

/** The path that says that it may be sent requests. */
const READY: Readonly<Record<string, string>> = { prometheus: "/-/ready", grafana: "/api/health" };

function isHealthCheck(name: string, { healthcheck, ports = [] }: ComposeService): boolean {
  const [, ...words] = healthcheck?.test ?? [];
  const inside = ports.map((port) => port.split(":")[2]);
  // It answers while it loads its data, and with success unless -e is given.
  if (name === "redis") return words.join(" ") === "valkey-cli -e ping";
  if (name === "kong") return words.join(" ") === "kong health";
  if (name === "apisix") return words.at(-1) === `exec 3<>/dev/tcp/127.0.0.1/${inside[0]}`;
  if (name.startsWith("novastream"))
    return /fetch\(`http:\/\/127\.0\.0\.1:\$\$\{process\.env\.PORT\}\/readyz`\)/.test(
      words.at(-1)!,
    );
  return (
    words.join(" ") ===
    `wget -q -O /dev/null http://127.0.0.1:${inside[0]}${READY[name] ?? "/readyz"}`
  );
}

const healthProblems = ({ services }: Compose): string[] =>
  Object.entries(services)
    .filter(([name, service]) => !isHealthCheck(name, service))
    .map(([name, { healthcheck }]) => `${name}: ${healthcheck?.test.join(" ")}`);

/** What is set of Kong, each with the values that it may have here: it takes any other without a word. */
const KONG: Readonly<Record<string, RegExp>> = {
  KONG_DATABASE: /^off$/,
  KONG_DECLARATIVE_CONFIG: /^\/.+\.yaml$/,
  KONG_PROXY_LISTEN: /^0\.0\.0\.0:8000$/,
  KONG_ADMIN_LISTEN: /^off$/,
  KONG_NGINX_HTTP_CLIENT_BODY_TIMEOUT: /^300s$/,
  KONG_NGINX_MAIN_WORKER_SHUTDOWN_TIMEOUT: /^300s$/,
  KONG_PROXY_ACCESS_LOG: /^\/dev\/stdout$/,
  KONG_PROXY_ERROR_LOG: /^\/dev\/stderr$/,
};

/** Kong reads its variables and ignores what it does not know, so each has to be one of these, and all of them there. */
function kongProblems({ services }: Compose): string[] {
  const { environment = {}, stop_signal: signal } = services["kong"]!;
  return [
    ...Object.entries(environment)
      .filter(([name, value]) => !KONG[name]?.test(value))
      .map(([name, value]) => `kong: ${name}=${value}`),
    ...Object.keys(KONG)
      .filter((name) => !(name in environment))
      .map((name) => `kong: no ${name}`),
    // At SIGTERM it cuts what is open.
    ...(signal === "SIGQUIT" ? [] : [`kong: stop_signal ${String(signal)}`]),
  ];
}

/** Images, mounts, health checks and Kong's variables that are not what they have to be, each by its service. */
export const composeProblems = (compose: Compose): string[] =>
  [imageProblems, mountProblems, healthProblems, kongProblems].flatMap((problems) =>
    problems(compose),
  );
