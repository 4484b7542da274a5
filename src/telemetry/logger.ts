import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger } from "pino";

export interface LoggerOptions {
  readonly level: string;
  /** Human-readable lines instead of JSON. */
  readonly pretty: boolean;
  readonly destination?: DestinationStream;
}

/** JSON lines. ERROR means that a person must act; what heals itself is WARN. */
export function createLogger({ level, pretty, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: undefined,
    redact: ["req.headers.authorization", "req.headers.cookie"],
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(pretty
      ? { transport: { target: "pino-pretty", options: { colorize: true, ignore: "req" } } }
      : {}),
  };
  return destination && !pretty ? pino(options, destination) : pino(options);
}
