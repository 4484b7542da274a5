import { z } from "zod";
import { broken, formProblems } from "./problems.ts";

const seconds = z.int().min(1);
const status = z.int().min(200).max(599);
const count = z.int().min(1).max(254);
const size = z.int().min(0);
const duration = z.string().regex(/^\d+s$/, "a duration like 60s");

const config = z.strictObject({
  deployment: z.strictObject({
    role: z.literal("data_plane"),
    role_data_plane: z.strictObject({ config_provider: z.literal("yaml") }),
  }),
  apisix: z.strictObject({ node_listen: z.int() }),
  nginx_config: z.strictObject({
    worker_rlimit_nofile: size,
    event: z.strictObject({ worker_connections: size }),
    worker_shutdown_timeout: duration,
    http: z.strictObject({
      send_timeout: duration,
      client_body_timeout: duration,
      client_max_body_size: z.literal(0),
      access_log_format: z
        .string()
        .refine((format) => !/\$(request|request_uri|args)\b/.test(format), {
          error: "the query is logged, which may hold a credential",
        }),
    }),
  }),
});

/** The plugins that streams can stand. Their own schemas take keys that nobody reads, such as disable_buffering. */
const plugins = z.strictObject({
  "proxy-buffering": z.strictObject({ disable_proxy_buffering: z.literal(true) }).optional(),
  "proxy-control": z.strictObject({ request_buffering: z.literal(false) }).optional(),
  "fault-injection": z.strictObject({ abort: z.strictObject({ http_status: status }) }).optional(),
  "limit-conn": z
    .strictObject({
      conn: z.int(),
      burst: z.int(),
      default_conn_delay: z.number(),
      key: z.string(),
      rejected_code: status.optional(),
    })
    .optional(),
});

const routes = z.strictObject({
  routes: z.array(
    z.strictObject({
      id: z.string(),
      uri: z.string().optional(),
      uris: z.array(z.string()).optional(),
      priority: z.int().optional(),
      upstream_id: z.string().optional(),
      enable_websocket: z.boolean().optional(),
      // One alone is refused.
      timeout: z.strictObject({ connect: seconds, send: seconds, read: seconds }).optional(),
      plugins,
    }),
  ),
  upstreams: z.array(
    z.strictObject({
      id: z.string(),
      type: z.enum(["roundrobin", "least_conn", "ewma"]),
      // The default is all other nodes.
      retries: z.int().min(0).max(1),
      pass_host: z.literal("pass"),
      checks: z.strictObject({
        active: z.strictObject({
          type: z.literal("http"),
          http_path: z.literal("/readyz"),
          timeout: seconds,
          healthy: z.strictObject({
            interval: seconds,
            successes: count,
            http_statuses: z.array(status),
          }),
          unhealthy: z.strictObject({
            interval: seconds,
            http_failures: count,
            tcp_failures: count,
            timeouts: count,
            http_statuses: z.array(status),
          }),
        }),
      }),
      nodes: z.record(z.string().regex(/^[\w.-]+:\d+$/), z.int().min(0)),
    }),
  ),
});

/** What is wrong with APISIX's own configuration, and with its routes, for streams. */
export function apisixProblems(configText: string, routesText: string): string[] {
  const form = formProblems(routesText, routes);
  const problems = [...formProblems(configText, config).problems, ...form.problems];
  if (!form.value) return problems;
  const upstreams = new Set(form.value.upstreams.map(({ id }) => id));
  return [
    ...problems,
    ...broken([[routesText.endsWith("\n#END\n"), "without #END at its end it is not read"]]),
    ...form.value.routes
      .filter((route) => route.upstream_id !== undefined)
      .flatMap(({ id, upstream_id, enable_websocket, timeout, plugins: used }) =>
        broken([
          [upstreams.has(upstream_id!), `${id}: no upstream ${upstream_id}`],
          [enable_websocket === true, `${id}: no WebSockets`],
          [timeout !== undefined, `${id}: the default timeout, 60 s, is a long poll's`],
          [used["proxy-buffering"] !== undefined, `${id}: answers are buffered`],
          [used["proxy-control"] !== undefined, `${id}: uploads are buffered`],
        ]),
      ),
  ];
}
