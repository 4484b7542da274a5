import { createLogger, type Logger } from "../../src/telemetry/logger.ts";

/** A logger at trace level, and what it has written. */
export function recordingLogger(): { logger: Logger; text: () => string } {
  let text = "";
  const destination = { write: (line: string) => void (text += line) };
  return { logger: createLogger({ level: "trace", pretty: false, destination }), text: () => text };
}
