import { z } from "zod";
import { broken, formProblems } from "./problems.ts";

const duration = z.string().regex(/^(\d+(ms|s|m|h))+$/, "a duration like 60s");
const zero = z.literal("0s", "0s, since it is a limit in all");

const entryPoint = z.strictObject({
  address: z.string().regex(/^:\d+$/),
  transport: z.strictObject({
    respondingTimeouts: z.strictObject({
      readTimeout: duration,
      writeTimeout: zero,
      idleTimeout: duration,
    }),
    lifeCycle: z.strictObject({ requestAcceptGraceTimeout: duration, graceTimeOut: duration }),
  }),
});

const statics = z.strictObject({
  entryPoints: z.record(z.string(), entryPoint),
  providers: z.strictObject({
    file: z.strictObject({ directory: z.string(), watch: z.boolean() }),
  }),
  log: z.strictObject({ level: z.string() }),
  accessLog: z.strictObject({
    format: z.literal("json"),
    // Both hold the query, which may hold a credential.
    fields: z.strictObject({
      names: z.strictObject({ RequestLine: z.literal("drop"), RequestPath: z.literal("drop") }),
    }),
  }),
});

/** The middlewares that streams can stand: none that collects bodies, and none that compresses. */
const middleware = z.xor([
  z.strictObject({
    retry: z.strictObject({ attempts: z.int().max(2), initialInterval: duration.optional() }),
  }),
  z.strictObject({
    inFlightReq: z.strictObject({ amount: z.int(), sourceCriterion: z.looseObject({}).optional() }),
  }),
  z.strictObject({
    rateLimit: z.strictObject({
      average: z.int(),
      period: duration.optional(),
      burst: z.int().optional(),
      sourceCriterion: z.looseObject({}).optional(),
      redis: z
        .strictObject({
          endpoints: z.array(z.string()),
          username: z.string().optional(),
          password: z.string().optional(),
          db: z.int().optional(),
        })
        .optional(),
    }),
  }),
  z.strictObject({
    forwardAuth: z.strictObject({
      address: z.string(),
      authResponseHeaders: z.array(z.string()).optional(),
      forwardBody: z.literal(false).optional(),
      maxResponseBodySize: z.int(),
    }),
  }),
]);

const dynamic = z.strictObject({
  http: z.strictObject({
    routers: z.record(
      z.string(),
      z.strictObject({
        rule: z.string(),
        entryPoints: z.array(z.string()),
        service: z.string(),
        middlewares: z.array(z.string()).optional(),
      }),
    ),
    middlewares: z.record(z.string(), middleware),
    services: z.record(
      z.string(),
      z.strictObject({
        loadBalancer: z.strictObject({
          strategy: z.enum(["wrr", "p2c", "hrw", "leasttime"]),
          serversTransport: z.string(),
          healthCheck: z.strictObject({
            path: z.literal("/readyz"),
            interval: duration,
            timeout: duration,
          }),
          servers: z.array(z.strictObject({ url: z.url() })).min(2),
        }),
      }),
    ),
    serversTransports: z.record(
      z.string(),
      z.strictObject({
        forwardingTimeouts: z.strictObject({
          dialTimeout: duration,
          responseHeaderTimeout: zero,
          idleConnTimeout: duration,
        }),
      }),
    ),
  }),
});

/** What is wrong with the two halves of a configuration of Traefik for streams. */
export function traefikProblems(staticText: string, dynamicText: string): string[] {
  const [fixed, changing] = [formProblems(staticText, statics), formProblems(dynamicText, dynamic)];
  const problems = [...fixed.problems, ...changing.problems];
  if (!fixed.value || !changing.value) return problems;
  const { entryPoints } = fixed.value;
  const { routers, middlewares, services, serversTransports } = changing.value.http;
  return [
    ...broken([
      [
        entryPoints["uploads"]?.transport.respondingTimeouts.readTimeout === "0s",
        "uploads: they are cut when they last",
      ],
    ]),
    ...Object.entries(services).flatMap(([name, { loadBalancer }]) =>
      broken([[loadBalancer.serversTransport in serversTransports, `${name}: no such transport`]]),
    ),
    ...Object.entries(routers).flatMap(([name, { rule, middlewares: names = [], ...router }]) =>
      broken([
        [router.service in services, `${name}: no service ${router.service}`],
        [router.entryPoints.every((point) => point in entryPoints), `${name}: no such entry point`],
        [names.every((of) => of in middlewares), `${name}: no such middleware`],
        [
          rule.startsWith("Method(`GET`)") ||
            !names.some((of) => "retry" in (middlewares[of] ?? {})),
          `${name}: what is no GET is repeated`,
        ],
      ]),
    ),
  ];
}
