import { z } from "zod";
import { broken, formProblems } from "./problems.ts";

const ms = z.int().min(1);
const status = z.int().min(200).max(599);
const protocols = z.array(z.enum(["http", "https"]));

/** The plugins that streams can stand, with the keys of Kong 3.9 and 3.14: none that reads bodies or has a response phase. */
const plugin = z.discriminatedUnion("name", [
  z.strictObject({
    name: z.literal("cors"),
    config: z.strictObject({
      origins: z.array(z.string()),
      methods: z.array(z.string()).optional(),
      headers: z.array(z.string()).optional(),
      exposed_headers: z.array(z.string()).optional(),
      credentials: z.boolean().optional(),
      max_age: z.int().optional(),
      preflight_continue: z.boolean().optional(),
    }),
  }),
  z.strictObject({
    name: z.literal("jwt"),
    config: z.strictObject({
      claims_to_verify: z.array(z.enum(["exp", "nbf"])),
      run_on_preflight: z.boolean(),
      uri_param_names: z.array(z.string()),
      header_names: z.array(z.string()).optional(),
      key_claim_name: z.string().optional(),
    }),
  }),
  z.strictObject({
    name: z.literal("rate-limiting"),
    config: z.strictObject({
      second: z.int().optional(),
      minute: z.int().optional(),
      hour: z.int().optional(),
      limit_by: z.enum(["consumer", "credential", "ip", "service", "header", "path"]).optional(),
      policy: z.enum(["local", "redis"]).optional(),
      redis: z
        .strictObject({
          host: z.string(),
          port: z.int().optional(),
          username: z.string().optional(),
          password: z.string().optional(),
          database: z.int().optional(),
          timeout: ms.optional(),
          ssl: z.boolean().optional(),
          ssl_verify: z.boolean().optional(),
          server_name: z.string().optional(),
        })
        .optional(),
      fault_tolerant: z.boolean().optional(),
    }),
  }),
  z.strictObject({
    name: z.literal("request-termination"),
    config: z.strictObject({ status_code: status, message: z.string().optional() }),
  }),
]);

const route = z.strictObject({
  name: z.string(),
  protocols,
  paths: z.array(z.string().regex(/^[/~]/)),
  strip_path: z.boolean().optional(),
  preserve_host: z.boolean().optional(),
  request_buffering: z.boolean().optional(),
  response_buffering: z.boolean().optional(),
  plugins: z.array(plugin).optional(),
});

const seconds = z.number().positive();
const upstream = z.strictObject({
  name: z.string(),
  // Not `latency`, which measures answers that do not end.
  algorithm: z.enum(["round-robin", "least-connections", "consistent-hashing"]),
  healthchecks: z.strictObject({
    // All have to be set: 0 turns a check off, and is the default.
    active: z.strictObject({
      type: z.literal("http"),
      http_path: z.literal("/readyz"),
      timeout: seconds,
      healthy: z.strictObject({
        interval: seconds,
        successes: z.int().min(1),
        http_statuses: z.array(status),
      }),
      unhealthy: z.strictObject({
        interval: seconds,
        http_failures: z.int().min(1),
        tcp_failures: z.int().min(1),
        timeouts: z.int().min(1),
        http_statuses: z.array(status),
      }),
    }),
  }),
  targets: z.array(z.strictObject({ target: z.string().regex(/^[\w.-]+:\d+$/) })).min(2),
});

const kong = z.strictObject({
  _format_version: z.literal("3.0"),
  upstreams: z.array(upstream),
  services: z.array(
    z.strictObject({
      name: z.string(),
      host: z.string(),
      port: z.int(),
      protocol: z.literal("http"),
      connect_timeout: ms,
      read_timeout: ms,
      write_timeout: ms,
      // More would go on to those that are as gone; of 0 see the file.
      retries: z.int().min(0).max(1),
      routes: z.array(route),
    }),
  ),
});

/** What is wrong with a declarative configuration of Kong for streams. */
export function kongProblems(text: string): string[] {
  const { problems, value } = formProblems(text, kong);
  if (!value) return problems;
  const upstreams = new Set(value.upstreams.map(({ name }) => name));
  return value.services.flatMap(({ name, host, routes }) => [
    ...broken([[upstreams.has(host), `${name}: ${host} is no upstream`]]),
    ...routes.flatMap(({ name: of, plugins = [], ...streams }) => [
      ...plugins.flatMap(({ name: plugin, config }) =>
        broken([
          [
            plugin !== "cors" || !(config.credentials && config.origins.includes("*")),
            `${of}: any page may act as the user`,
          ],
        ]),
      ),
      ...(plugins.some(({ name: plugin }) => plugin === "request-termination")
        ? []
        : broken([
            [streams.response_buffering === false, `${of}: answers are buffered`],
            [streams.request_buffering === false, `${of}: uploads are buffered`],
            [streams.strip_path === false, `${of}: the service is sent other paths`],
          ])),
    ]),
  ]);
}
