import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { ServiceError } from "./errors.ts";
import type { AnswerServices } from "./routes/answer-stream.ts";
import { chatRoutes } from "./routes/chat.ts";
import {
  connectionRoutes,
  healthRoutes,
  introspectionRoutes,
  type OperationServices,
} from "./routes/operations.ts";
import { openAiErrorResponse } from "./routes/openai-error.ts";
import { openAiRoutes, type OpenAiServices } from "./routes/openai.ts";
import { asServiceError, problemResponse } from "./routes/problem.ts";
import type { AppContext, AppEnvironment } from "./routes/request.ts";
import { topicRoutes, type TopicServices } from "./routes/topics.ts";
import { uiChatRoutes } from "./routes/ui-chat.ts";
import { wukongRoutes, type WukongServices } from "./routes/wukongs.ts";
import type { Logger } from "./telemetry/logger.ts";

export interface AppServices
  extends WukongServices, TopicServices, AnswerServices, OpenAiServices, OperationServices {
  readonly logger: Logger;
  readonly corsOrigins: readonly string[];
}

/** The HTTP surface: what goes around every request, then the routes. */
export function createApp(services: AppServices): Hono<AppEnvironment> {
  const { logger, metrics, corsOrigins } = services;
  const app = new Hono<AppEnvironment>();

  app.use(async (c, next) => {
    const given = c.req.header("x-request-id");
    c.set("requestId", given && /^[\w.-]{1,128}$/.test(given) ? given : randomUUID());
    c.set("startedAt", performance.now());
    c.header("x-request-id", c.get("requestId"));
    await next();
    metrics.responded(c.req.routePath, performance.now() - c.get("startedAt"));
  });
  if (corsOrigins.length > 0) app.use(crossOrigin(corsOrigins));

  app.route("/", healthRoutes(services));
  app.route("/", introspectionRoutes(services));
  app.route("/api/v1/ai/chat", chatRoutes(services));
  app.route("/v1", openAiRoutes(services));
  app.route("/api/chat", uiChatRoutes(services));
  app.route("/api/v1/wukongs", wukongRoutes(services));
  app.route("/api/v1/connections", connectionRoutes(services));
  app.route("/api/v1", topicRoutes(services));
  app.get("/ws/wukong/:name", () => {
    throw new ServiceError("upgrade-required", "Connect with a WebSocket.");
  });

  app.notFound((c) => answerProblem(c, noRoute(app, c)));
  app.onError((error, c) => {
    if (!(error instanceof ServiceError))
      logger.error({ err: error, requestId: c.get("requestId") }, "a request failed");
    return answerProblem(c, error);
  });

  /** In the shape of the path's protocol. Middleware's headers (CORS, the request id) belong to errors too. */
  function answerProblem(c: AppContext, error: unknown): Response {
    const present = c.req.path.startsWith("/v1/") ? openAiErrorResponse : problemResponse;
    const response = present(error, c.get("requestId"));
    metrics.error(asServiceError(error).code);
    for (const [name, value] of c.res.headers)
      if (!response.headers.has(name)) response.headers.set(name, value);
    return response;
  }
  return app;
}

/** What pages of other origins may read of an answer's head. */
export const EXPOSED_HEADERS = [
  "X-Request-Id",
  "X-Generation-Id",
  "X-Vercel-AI-UI-Message-Stream",
  "X-Workflow-Run-Id",
  "X-Workflow-Stream-Tail-Index",
  "Content-Location",
  "Link",
  "Location",
  "Preference-Applied",
  "Retry-After",
  "Retry-After-Ms",
  "X-Should-Retry",
];

function crossOrigin(origins: readonly string[]) {
  const any = origins.includes("*");
  return cors({
    origin: any ? "*" : [...origins],
    // A wildcard with credentials would let any page act as the user.
    credentials: !any,
    // Whatever the page asks to send: OpenAI's client alone has a dozen headers of its own.
    allowHeaders: [],
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: 600,
  });
}

/** 405 where the path is there for other methods, else 404. */
function noRoute(app: Hono<AppEnvironment>, c: AppContext): ServiceError {
  const methods = app.routes
    .filter(({ method, path }) => method !== "ALL" && pathPattern(path).test(c.req.path))
    .map(({ method }) => method);
  if (methods.length === 0)
    return new ServiceError("not-found", `There is nothing at ${c.req.path.slice(0, 200)}.`);
  const allow = [...new Set(methods)].join(", ");
  return new ServiceError("method-not-allowed", `${c.req.path} takes ${allow}.`, {
    extra: { allow },
  });
}

function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`);
}
