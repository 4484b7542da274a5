import { ConfigError, parseConfig } from "./config.ts";
import { CertificateAuthorityError } from "./redis/certificate-authority.ts";
import { UnsupportedRedisError } from "./redis/redis-version.ts";
import { startService } from "./service.ts";
import { createLogger } from "./telemetry/logger.ts";

/** Runs until a signal: SIGTERM drains over the window, SIGINT at once, and a second signal cuts any waiting short. */
async function main(): Promise<void> {
  const config = parseConfig(process.env);
  const logger = createLogger({ level: config.logLevel, pretty: process.stdout.isTTY });
  const service = await startService(config, logger);
  logger.info({ url: service.url, node: process.version }, `NovaStream listens on ${service.url}`);
  const hurry = new AbortController();
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, resolve);
  });
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => hurry.abort());
  logger.info({ signal }, "shutting down");
  await service.stop(signal === "SIGTERM" ? config.drainWindowMs : 0, hurry.signal);
  logger.info("bye");
}

main().catch((error: unknown) => {
  // What an operator can mend needs no stack: a bad variable or file, a taken port, a Redis that is too old.
  const mendable =
    error instanceof ConfigError ||
    error instanceof CertificateAuthorityError ||
    (error instanceof Error && "code" in error) ||
    error instanceof UnsupportedRedisError;
  console.error(mendable ? `NovaStream cannot start. ${error.message}` : error);
  process.exitCode = 1;
});
