import { type Backend, createBackend } from "../../src/backend.ts";
import { DisposalStack } from "../../src/disposal.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { testConfig } from "./service.ts";
import { eventually } from "./wait.ts";

/** Log and state on a Redis as a service has them, proven to work. */
export async function openRedisBackend(
  environment: Record<string, string>,
): Promise<Backend & AsyncDisposable> {
  const stack = new DisposalStack();
  const logger = createLogger({
    level: process.env["TEST_LOG_LEVEL"] ?? "silent",
    pretty: false,
  });
  const backend = await createBackend(testConfig(environment), logger, new Metrics(), stack);
  await eventually(() => backend.proven());
  return { ...backend, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
}
