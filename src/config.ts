import { z } from "zod";
import type { ChatLimits } from "./chat/chat-limits.ts";
import { type ModelCatalogue, parseModelCatalogue } from "./chat/models/model-catalogue.ts";
import type { ModelDeadlines } from "./chat/models/with-deadlines.ts";
import {
  duration,
  lease,
  origins,
  password,
  patience,
  proxies,
  redisUrl,
  retention,
  size,
  timer,
  whole,
} from "./config-values.ts";
import type { AdmissionLimits } from "./connections/admission.ts";
import { DEFAULT_RETENTION, type Retention, type RetentionTable } from "./log/retention.ts";
import { TOPIC_KINDS, type TopicKind } from "./log/topic.ts";
import type { RedisAccess } from "./redis/redis-connection.ts";

export type RetentionVariable = `RETENTION_${Uppercase<TopicKind>}`;

const retentionVariable = (kind: TopicKind) =>
  `RETENTION_${kind.toUpperCase()}` as RetentionVariable;

const retentionVariables = Object.fromEntries(
  TOPIC_KINDS.map((kind) => [retentionVariable(kind), retention.optional()]),
) as Record<RetentionVariable, z.ZodOptional<typeof retention>>;

/** Every variable that the service reads; README's table is tested against it. */
export const ENVIRONMENT = z.object({
  PORT: whole(0, 65_535).default(8080),
  HOST: z.string().default("0.0.0.0"),
  REDIS_URL: redisUrl.optional(),
  REDIS_HOST: z.string().optional(),
  REDIS_PORT: whole(1, 65_535).default(6379),
  REDIS_USERNAME: z.string().optional(),
  REDIS_PASSWORD: password.optional(),
  REDIS_SENTINEL_USERNAME: z.string().optional(),
  REDIS_SENTINEL_PASSWORD: password.optional(),
  REDIS_CA_FILE: z.string().optional(),
  REDIS_TLS_SERVER_NAME: z.string().optional(),
  MAX_CONNECTIONS: whole(1, 10_000_000).default(10_000),
  MAX_CONNECTIONS_PER_PRINCIPAL: whole(0, 10_000_000).default(0),
  MAX_CONNECTIONS_PER_ADDRESS: whole(0, 10_000_000).default(0),
  TRUSTED_PROXIES: proxies.default([]),
  ADMISSION_QUEUE: whole(0, 1_000_000).default(1_000),
  ADMISSION_TIMEOUT: timer.default(5_000),
  OVERLOAD_EVENT_LOOP_DELAY: duration.default(500),
  OVERLOAD_MEMORY: size.optional(),
  BUFFER_SIZE: whole(1, 1_000_000).default(1_024),
  BUFFER_MEMORY: size.default(64 * 1_024 ** 2),
  EMBEDDED_LOG_SIZE: size.default(256 * 1_024 ** 2),
  HEARTBEAT_INTERVAL: timer.default(15_000),
  RETRY_DELAY: duration.default(2_000),
  STALL_TIMEOUT: timer.default(30_000),
  MAX_CONNECTION_AGE: duration.default(600_000),
  DRAIN_WINDOW: duration.default(30_000),
  TOPIC_LINGER: timer.default(30_000),
  AUDIT_INTERVAL: timer.default(30_000),
  PROBE_INTERVAL: timer.default(2_000),
  PROBE_TIMEOUT: timer.default(5_000),
  MAX_BODY_SIZE: size.default(1_024 ** 2),
  MAX_EVENT_SIZE: size.default(256 * 1_024),
  BODY_TIMEOUT: timer.default(30_000),
  ...retentionVariables,
  CORS_ORIGINS: origins.default([]),
  AI_BASE_URL: z.string().optional(),
  AI_API_KEY: z.string().optional(),
  AI_MODEL: z.string().optional(),
  AI_MODELS: z.string().optional(),
  AI_DEFAULT_MODEL: z.string().optional(),
  AI_DEMO_DELAY: duration.default(50),
  CHAT_LEASE: lease.default(10_000),
  CHAT_ABANDON_AFTER: duration.default(60_000),
  CHAT_MAX_PROMPT: size.default(256 * 1_024),
  CHAT_MAX_MESSAGES: whole(1, 100_000).default(1_000),
  CHAT_MAX_TOKENS: whole(1, 10_000_000).default(32_768),
  CHAT_MAX_PER_PRINCIPAL: whole(0, 1_000_000).default(0),
  CHAT_MAX_GENERATIONS: whole(0, 1_000_000).default(2_000),
  CHAT_FIRST_TOKEN_TIMEOUT: patience.default(60_000),
  CHAT_IDLE_TIMEOUT: patience.default(30_000),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});

export type RedisSettings = Omit<RedisAccess, "logger">;

export interface ChatConfig {
  /** How long an answer is believed to have a writer that is not heard of. */
  readonly leaseMs: number;
  /** How long it goes on without a reader. */
  readonly abandonAfterMs: number;
  /** Answers of one principal at a time; 0 = no limit. */
  readonly maxPerPrincipal: number;
  /** Answers of this process at a time; 0 = no limit. */
  readonly maxGenerations: number;
  readonly limits: ChatLimits;
}

export interface Config {
  readonly port: number;
  readonly host: string;
  /** Undefined = the embedded log. */
  readonly redis: RedisSettings | undefined;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly embeddedLogBytes: number;
  readonly retention: RetentionTable;
  readonly admission: AdmissionLimits;
  /** Beyond which newcomers are turned away, in ms; 0 = no limit. */
  readonly overloadDelayMs: number;
  /** Likewise, of memory; undefined = what the container may have. */
  readonly overloadBytes: number | undefined;
  /** Whose `X-Forwarded-For` is believed: addresses, networks, `loopback`, `private`. */
  readonly trustedProxies: readonly string[];
  readonly heartbeatMs: number;
  /** What an EventSource waits before it comes back. */
  readonly retryMs: number;
  readonly stallMs: number;
  readonly maxConnectionAgeMs: number;
  readonly drainWindowMs: number;
  /** Events in a topic's ring. */
  readonly ringCapacity: number;
  /** Of all rings together. */
  readonly ringBytes: number;
  /** How long a topic is followed after its last reader. */
  readonly lingerMs: number;
  readonly auditMs: number;
  readonly maxBodyBytes: number;
  readonly maxEventBytes: number;
  readonly bodyTimeoutMs: number;
  readonly corsOrigins: readonly string[];
  readonly models: ModelCatalogue;
  /** How long a model is waited for. */
  readonly modelDeadlines: ModelDeadlines;
  readonly demoDelayMs: number;
  readonly chat: ChatConfig;
  readonly logLevel: string;
}

/** Thrown with every problem at once. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Environment → configuration; pure. @throws ConfigError */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  // An empty variable counts as unset, as compose files and ConfigMaps leave them.
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const result = ENVIRONMENT.safeParse(set);
  const { catalogue, problems: modelProblems } = parseModelCatalogue(set);
  if (!result.success || modelProblems.length > 0) {
    const problems = [
      ...(result.error?.issues ?? []).map((issue) => `  ${issue.path.join(".")}: ${issue.message}`),
      ...modelProblems.map(({ variable, message }) => `  ${variable}: ${message}`),
    ];
    throw new ConfigError(`The configuration is not valid:\n${problems.join("\n")}`);
  }
  const env = result.data;
  return Object.freeze({
    port: env.PORT,
    host: env.HOST,
    redis: redisSettings(env),
    probeIntervalMs: env.PROBE_INTERVAL,
    probeTimeoutMs: env.PROBE_TIMEOUT,
    embeddedLogBytes: env.EMBEDDED_LOG_SIZE,
    retention: retentionTable(env),
    admission: Object.freeze({
      maxConnections: env.MAX_CONNECTIONS,
      maxPerPrincipal: env.MAX_CONNECTIONS_PER_PRINCIPAL,
      maxPerAddress: env.MAX_CONNECTIONS_PER_ADDRESS,
      queueLength: env.ADMISSION_QUEUE,
      timeoutMs: env.ADMISSION_TIMEOUT,
    }),
    overloadDelayMs: env.OVERLOAD_EVENT_LOOP_DELAY,
    overloadBytes: env.OVERLOAD_MEMORY,
    trustedProxies: env.TRUSTED_PROXIES,
    heartbeatMs: env.HEARTBEAT_INTERVAL,
    retryMs: env.RETRY_DELAY,
    stallMs: env.STALL_TIMEOUT,
    maxConnectionAgeMs: env.MAX_CONNECTION_AGE,
    drainWindowMs: env.DRAIN_WINDOW,
    ringCapacity: env.BUFFER_SIZE,
    ringBytes: env.BUFFER_MEMORY,
    lingerMs: env.TOPIC_LINGER,
    auditMs: env.AUDIT_INTERVAL,
    maxBodyBytes: env.MAX_BODY_SIZE,
    maxEventBytes: env.MAX_EVENT_SIZE,
    bodyTimeoutMs: env.BODY_TIMEOUT,
    corsOrigins: env.CORS_ORIGINS,
    models: catalogue,
    modelDeadlines: Object.freeze({
      firstTokenMs: env.CHAT_FIRST_TOKEN_TIMEOUT,
      idleMs: env.CHAT_IDLE_TIMEOUT,
    }),
    demoDelayMs: env.AI_DEMO_DELAY,
    chat: Object.freeze({
      leaseMs: env.CHAT_LEASE,
      abandonAfterMs: env.CHAT_ABANDON_AFTER,
      maxPerPrincipal: env.CHAT_MAX_PER_PRINCIPAL,
      maxGenerations: env.CHAT_MAX_GENERATIONS,
      limits: Object.freeze({
        maxPromptBytes: env.CHAT_MAX_PROMPT,
        maxMessages: env.CHAT_MAX_MESSAGES,
        maxTokens: env.CHAT_MAX_TOKENS,
      }),
    }),
    logLevel: env.LOG_LEVEL,
  });
}

function redisSettings(env: z.output<typeof ENVIRONMENT>): RedisSettings | undefined {
  const { REDIS_HOST: host, REDIS_PORT: port } = env;
  const plain = {
    kind: "standalone",
    username: undefined,
    password: undefined,
    tls: false,
  } as const;
  const named = env.REDIS_URL ?? (host ? { ...plain, address: { host, port }, db: 0 } : undefined);
  if (!named) return undefined;
  return {
    // Secrets are mounted apart from addresses: they win over what stands in the URL.
    endpoint: {
      ...named,
      username: env.REDIS_USERNAME ?? named.username,
      password: env.REDIS_PASSWORD ?? named.password,
    },
    sentinelUsername: env.REDIS_SENTINEL_USERNAME,
    sentinelPassword: env.REDIS_SENTINEL_PASSWORD,
    caFile: env.REDIS_CA_FILE,
    tlsServerName: env.REDIS_TLS_SERVER_NAME,
  };
}

function retentionTable(
  env: Readonly<Partial<Record<RetentionVariable, Retention>>>,
): RetentionTable {
  const entries = TOPIC_KINDS.map((kind) => [
    kind,
    { ...DEFAULT_RETENTION[kind], ...env[retentionVariable(kind)] },
  ]);
  return Object.freeze(Object.fromEntries(entries)) as RetentionTable;
}
