import { readFile } from "node:fs/promises";
import { Hono } from "hono";
import type { Connection } from "../connections/connection.ts";
import type { ConnectionManager } from "../connections/connection-manager.ts";
import { ServiceError } from "../errors.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { AppEnvironment } from "./request.ts";

/** The contract lies at the root of the package, beside `dist/` and `src/`. */
const OPENAPI = new URL("../../openapi.yaml", import.meta.url);

export interface Health {
  readonly status: "ready" | "starting" | "draining";
  /** `embedded` = there is none to reach. */
  readonly redis: "up" | "down" | "embedded";
}

export interface OperationServices {
  readonly connections: ConnectionManager;
  readonly metrics: Metrics;
  readonly health: () => Health;
}

/** For orchestrators: is the process alive, and may it be sent clients? */
export function healthRoutes({ health }: OperationServices): Hono<AppEnvironment> {
  const app = new Hono<AppEnvironment>();
  for (const path of ["/livez", "/health"]) app.get(path, (c) => c.json({ status: "ok" }));
  // Trouble that all pods share must not take all pods out: an outage of Redis shows here and turns nobody away.
  for (const path of ["/readyz", "/ready"]) {
    app.get(path, (c) => {
      const state = health();
      return c.json(state, state.status === "ready" ? 200 : 503);
    });
  }
  return app;
}

/** For Prometheus, and for whoever writes a client. */
export function introspectionRoutes({ metrics }: OperationServices): Hono<AppEnvironment> {
  return new Hono<AppEnvironment>()
    .get("/metrics", async (c) =>
      c.body(await metrics.registry.metrics(), 200, {
        "content-type": metrics.registry.contentType,
      }),
    )
    .get("/openapi.yaml", async (c) =>
      c.body(await readFile(OPENAPI, "utf8"), 200, { "content-type": "application/yaml" }),
    );
}

/** `/api/v1/connections`: who is connected to this process. */
export function connectionRoutes({ connections }: OperationServices): Hono<AppEnvironment> {
  return new Hono<AppEnvironment>()
    .get("/", (c) => c.json({ connections: connections.list().map(documentOf) }))
    .delete("/:id", (c) => {
      const id = c.req.param("id");
      if (connections.close(id, "kicked")) return c.body(null, 204);
      throw new ServiceError(
        "not-found",
        "This process has no such connection; another may have it.",
        { field: "id" },
      );
    });
}

function documentOf({
  id,
  transport,
  principal,
  address,
  topics,
  connectedAt,
  state,
}: Connection): object {
  return {
    id,
    transport: transport.kind,
    principal,
    address,
    topics,
    connectedAt,
    bytes: transport.bytes,
    state,
  };
}
