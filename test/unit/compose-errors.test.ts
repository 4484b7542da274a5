import { describe, expect, it } from "vitest";
import { COMPOSE_TEXT, readCompose } from "../support/compose.ts";
import { limitProblems } from "../support/compose-limits.ts";
import { composeProblems } from "../support/compose-rules.ts";
import { readDocument } from "../support/documents.ts";
import { verifies } from "../support/verifies.ts";

const problemsOf = (text: string): string[] => {
  const compose = readCompose(text);
  return [...composeProblems(compose), ...limitProblems(compose)];
};

describe("docker/compose.yaml, held to what its images and the service read", () => {
  it("has no problem", verifies("compose"), () => {
    expect(problemsOf(COMPOSE_TEXT)).toEqual([]);
  });

  it("has the Valkey that the trial's component for Kubernetes has", verifies("compose"), () => {
    const { image } = readCompose().services["redis"]!;
    expect(readDocument("k8s/components/redis/valkey.yaml")).toContain(`image: ${image}\n`);
  });

  it.each([
    ["an old tag", "prom/prometheus:v3.13.2", "prom/prometheus:v2.42.0"],
    ["a tag that is not there", "kong:3.9", "kong:3.10"],
    ["an image of another", "haproxy:3.2-alpine", "nginx:1.30-alpine"],
    [
      "a file where nginx does not look",
      ":/etc/nginx/nginx.conf:ro",
      ":/etc/nginx/conf.d/nginx.conf:ro",
    ],
    ["a file where HAProxy does not look", "/usr/local/etc/haproxy/", "/etc/haproxy/"],
    ["a file where Caddy does not look", ":/etc/caddy/Caddyfile:ro", ":/Caddyfile:ro"],
    ["a directory that Traefik does not read", "/etc/traefik/dynamic:ro", "/etc/traefik/conf:ro"],
    ["a file where Kong is not told to look", ":/kong/kong.yaml:ro", ":/etc/kong/kong.yaml:ro"],
    [
      "a file that Kong is told and does not have",
      "CONFIG: /kong/kong.yaml",
      "CONFIG: /kong/kong.yml",
    ],
    ["a file where APISIX does not look", "apisix/conf/apisix.yaml:ro", "apisix/apisix.yaml:ro"],
    ["a file of APISIX that is gone", / {6}- \.\/gateways\/apisix\/config.yaml.*\n/, ""],
    [
      "rules where Prometheus does not look",
      ":/etc/prometheus/rules.yaml:ro",
      ":/etc/rules.yaml:ro",
    ],
    [
      "data that Prometheus keeps elsewhere",
      "prometheus-data:/prometheus",
      "prometheus-data:/data",
    ],
    ["data that Prometheus is told to keep elsewhere", "tsdb.path=/prometheus", "tsdb.path=/tsdb"],
    ["data that Valkey keeps elsewhere", "redis-data:/data", "redis-data:/var/lib/valkey"],
    ["a dashboard at another place", "dashboards/novastream.json:ro", "dashboards/nova.json:ro"],
    ["sources at another place", "provisioning/datasources/novastream", "datasources/novastream"],
    ["a health check that asks another path", "PORT}/readyz", "PORT}/livez"],
    ["a health check of another port", "$${process.env.PORT}", "$${process.env.HTTP_PORT}"],
    ["a gateway's health check of another path", "8000/readyz", "8000/"],
    ["a gateway's health check of another port", "8000/readyz", "8080/readyz"],
    ["APISIX's health check of another port", "127.0.0.1/9080", "127.0.0.1/9180"],
    ["Prometheus' health check of another path", "9090/-/ready", "9090/ready"],
    ["Grafana's health check of another path", "3000/api/health", "3000/health"],
    ["a health check that Valkey passes while it loads", '"-e", "ping"', '"ping"'],
    ["a misspelt variable of Kong", "KONG_NGINX_HTTP_CLIENT_BODY", "KONG_NGINX_HTTP_CLIENTBODY"],
    [
      "a variable of Kong that nothing needs",
      "KONG_ADMIN_LISTEN: ",
      "KONG_STATUS_LISTEN: 0.0.0.0:8100\n      KONG_ADMIN_LISTEN: ",
    ],
    ["an open admin port of Kong", 'KONG_ADMIN_LISTEN: "off"', "KONG_ADMIN_LISTEN: 0.0.0.0:8001"],
    ["a Kong with a database", 'KONG_DATABASE: "off"', "KONG_DATABASE: postgres"],
    ["a Kong whose workers wait for ever", / {6}KONG_NGINX_MAIN.*\n/, ""],
    ["a Kong that cuts at once", "stop_signal: SIGQUIT", "stop_signal: SIGTERM"],
    ["a misspelt sysctl", "net.ipv4.tcp_wmem", "net.ipv4.tcp_wmen"],
    ["a sysctl of the whole machine", "net.core.somaxconn", "net.core.wmem_max"],
    ["a send buffer of the kernel's default", "4096 16384 65536", "4096 16384 4194304"],
    ["a send buffer without its first figures", "4096 16384 65536", "65536"],
    ["a queue of newcomers that is short", '"16384"\n  # More', '"128"\n  # More'],
    ["a Valkey that forgets", '"noeviction"', '"allkeys-lru"'],
    [
      "a Valkey that keeps nothing",
      '"--appendonly",\n        "yes"',
      '"--appendonly",\n        "no"',
    ],
    ["a Valkey without a bound", /\s+"--maxmemory",\s+"1gb",/, ""],
    ["a misspelt flag of Valkey", '"--appendfsync"', '"--appendsync"'],
    ["less memory", "mem_limit: 640m", "mem_limit: 512m"],
    ["a misspelt amount of memory", "mem_limit: 640m", "mem_limit: 640x"],
    ["a heap of Node's own choice", / {4}NODE_OPTIONS.*\n/, ""],
    ["a heap that is as large as all", "space-size=256", "space-size=640"],
    ["more streams than fit", 'MAX_CONNECTIONS: "1000"', 'MAX_CONNECTIONS: "10000"'],
    ["more answers than fit", 'CHAT_MAX_GENERATIONS: "200"', 'CHAT_MAX_GENERATIONS: "500"'],
    ["as many answers as one likes", 'CHAT_MAX_GENERATIONS: "200"', 'CHAT_MAX_GENERATIONS: "0"'],
    ["as many answers as by default", / {4}CHAT_MAX_GENERATIONS.*\n/, ""],
    ["too few descriptors for the service", "nofile: 65536", "nofile: 1024"],
    ["too few descriptors for a gateway", "nofile: 131072", "nofile: 1024"],
    [
      "a service that is killed while it drains",
      "stop_grace_period: 20s",
      "stop_grace_period: 10s",
    ],
    ["a drain that lasts longer", "DRAIN_WINDOW: 10s", "DRAIN_WINDOW: 30s"],
  ])("is not so with %s", verifies("compose"), (_, right, wrong) => {
    const planted = COMPOSE_TEXT.replace(right, wrong);
    expect(planted).not.toBe(COMPOSE_TEXT);
    expect(problemsOf(planted)).not.toEqual([]);
  });
});
