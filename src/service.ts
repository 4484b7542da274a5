import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { createApp } from "./app.ts";
import { createBackend } from "./backend.ts";
import { AnswerArchive } from "./chat/answer-archive.ts";
import { AnswerRoom } from "./chat/answer-room.ts";
import { ChatService } from "./chat/chat-service.ts";
import { Generations } from "./chat/generation/generations.ts";
import { createModels } from "./chat/models/create-models.ts";
import { createAddressOf } from "./addresses/client-address.ts";
import type { Config } from "./config.ts";
import { ConnectionManager } from "./connections/connection-manager.ts";
import { ProcessLoadMeter } from "./connections/load-meter.ts";
import { OverloadGuard, overloadLimits } from "./connections/overload-guard.ts";
import { DisposalStack } from "./disposal.ts";
import { Hub } from "./hub/hub.ts";
import { Publisher } from "./log/publisher.ts";
import { ConsoleEndpoint } from "./routes/console.ts";
import type { Health } from "./routes/operations.ts";
import { createTopicFormats } from "./routes/topic-formats.ts";
import type { Logger } from "./telemetry/logger.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { LogIngest } from "./wukongs/log-ingest.ts";
import { WukongDirectory } from "./wukongs/wukong-directory.ts";

/** Connections that the kernel queues for us: a reconnect storm beyond it costs its clients seconds of SYN retries. */
const BACKLOG = 16_384;
/** Google's load balancers keep idle connections for 600 s: whoever closes first must not be us. */
const KEEP_ALIVE_MS = 620_000;
const HEADERS_TIMEOUT_MS = 625_000;
/** For what is left open after the drain. */
const FAREWELL_MS = 2_000;

export interface Service extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /**
   * Ends in order: unready at once, no new connections, everyone told within the drain window, running generations
   * awaited until its end. An abort of `hurry` cuts all waiting short.
   */
  stop(windowMs: number, hurry?: AbortSignal): Promise<void>;
}

/** The composition root: every part is made, wired and disposed here. @throws where Redis is too old or the port taken */
export async function startService(config: Config, logger: Logger): Promise<Service> {
  const stack = new DisposalStack();
  try {
    return await compose(config, logger, stack);
  } catch (error) {
    await stack[Symbol.asyncDispose]();
    throw error;
  }
}

async function compose(config: Config, logger: Logger, stack: DisposalStack): Promise<Service> {
  const metrics = new Metrics();
  const backend = await createBackend(config, logger, metrics, stack);
  const { log, state } = backend;
  const { ringCapacity, ringBytes, lingerMs, auditMs } = config;
  const hub = stack.use(
    new Hub({ log, metrics, logger, ringCapacity, ringBytes, lingerMs, auditMs }),
  );
  const connections = stack.use(
    new ConnectionManager({
      hub,
      metrics,
      logger,
      limits: config.admission,
      heartbeatMs: config.heartbeatMs,
      stallMs: config.stallMs,
      maxAgeMs: config.maxConnectionAgeMs,
    }),
  );
  stack.use(
    new OverloadGuard({
      limits: overloadLimits(config.overloadDelayMs, config.overloadBytes),
      meter: new ProcessLoadMeter(),
      metrics,
      logger,
      onChange: (overloaded) => connections.shed(overloaded),
    }),
  );
  const models = await createModels({
    catalogue: config.models,
    deadlines: config.modelDeadlines,
    demoDelayMs: config.demoDelayMs,
    logger,
  });
  metrics.chat.models(models.names);
  const { leaseMs, maxPerPrincipal, maxGenerations, abandonAfterMs, limits } = config.chat;
  const archive = new AnswerArchive(hub);
  const generations = stack.use(
    new Generations({ hub, state, metrics, logger, leaseMs, maxPerPrincipal }),
  );
  const chat = new ChatService({
    hub,
    state,
    metrics,
    models,
    generations,
    archive,
    limits,
    room: new AnswerRoom({ maxGenerations, metrics, running: () => generations.count }),
    abandonAfterMs,
  });
  const publisher = new Publisher(log, metrics, config.maxEventBytes);
  const wukongs = new WukongDirectory(log, state, publisher);
  const addressOf = createAddressOf(config.trustedProxies);
  const drain = new AbortController();
  const health = (): Health => ({
    status: drain.signal.aborted ? "draining" : backend.proven() ? "ready" : "starting",
    redis: backend.redis(),
  });
  const app = createApp({
    logger,
    metrics,
    corsOrigins: config.corsOrigins,
    log,
    hub,
    models,
    retention: config.retention,
    formats: createTopicFormats(config.retryMs),
    connections,
    addressOf,
    chat,
    archive,
    readers: generations.readers,
    publisher,
    wukongs,
    ingest: new LogIngest({ log, publisher, maxLineBytes: config.maxEventBytes }),
    limits: { maxBodyBytes: config.maxBodyBytes, bodyTimeoutMs: config.bodyTimeoutMs },
    drainSignal: drain.signal,
    health,
  });

  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  // An upload may last for hours: bodies have deadlines of their own, where they are read.
  Object.assign(server, {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
  });
  // Disposed in reverse: WebSockets go before the server that waits for them.
  const closed = once(server, "close");
  stack.defer(() => closeServer(server, closed));
  const consoleEndpoint = stack.use(
    new ConsoleEndpoint({
      connections,
      addressOf,
      logger,
      wukongs,
      corsOrigins: config.corsOrigins,
    }),
  );
  server.on("upgrade", consoleEndpoint.onUpgrade);
  server.listen({ port: config.port, host: config.host, backlog: BACKLOG });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  let stopped: Promise<void> | undefined;
  const stop = async (windowMs: number, hurry?: AbortSignal): Promise<void> => {
    // New connections are still answered, if only to be sent elsewhere: readiness shows, and nobody meets a closed port.
    drain.abort();
    const deadline = AbortSignal.any([AbortSignal.timeout(windowMs), ...(hurry ? [hurry] : [])]);
    await Promise.all([
      connections.drain(windowMs, hurry),
      chat.drain(windowMs > 0 ? deadline : AbortSignal.abort()),
    ]);
    await stack[Symbol.asyncDispose]();
  };
  return {
    port,
    url: `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${port}`,
    stop: (windowMs, hurry) => (stopped ??= stop(windowMs, hurry)),
    [Symbol.asyncDispose]: () => (stopped ??= stop(0)),
  };
}

/** `close` alone would wait for ever for a connection that stays: what is left after the farewell is cut. */
async function closeServer(server: Server, closed: Promise<unknown>): Promise<void> {
  if (server.listening) server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), FAREWELL_MS);
  await closed;
  clearTimeout(timer);
}
