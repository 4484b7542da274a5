import { type Config, parseConfig } from "../../src/config.ts";
import { type Service, startService } from "../../src/service.ts";
import { createLogger } from "../../src/telemetry/logger.ts";

/** A service in this process on a free port; environment variables as for the real one. */
export function startTestService(environment: Record<string, string> = {}): Promise<Service> {
  return startService(
    testConfig(environment),
    createLogger({ level: process.env["TEST_LOG_LEVEL"] ?? "silent", pretty: false }),
  );
}

export function testConfig(environment: Record<string, string> = {}): Config {
  return parseConfig({
    HOST: "127.0.0.1",
    PORT: "0",
    AI_DEMO_DELAY: "1",
    DRAIN_WINDOW: "1s",
    ...environment,
  });
}
