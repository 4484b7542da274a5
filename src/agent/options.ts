import { parseArgs } from "node:util";
import { type Continues, continuesByIndent, continuesByPattern } from "./multiline.ts";
import {
  parseChoice,
  parseCount,
  parseDuration,
  parseName,
  parseServer,
  parseSize,
  shown,
  UsageError,
} from "./option-values.ts";
import { RESTART_MODES, type RestartPolicyOptions } from "./restart-policy.ts";
import { defaultSpoolRoot } from "./spool-directory.ts";

const DEFAULTS = {
  server: "http://127.0.0.1:8080",
  buffer: "16MiB",
  "spool-size": "64MiB",
  restart: "no",
  "restart-delay": "1s",
  "status-interval": "15s",
  multiline: "off",
  parse: "auto",
} as const;
/** Twice the largest entry: with less, one line could push out all others. */
const BUFFER_MIN = "256KiB";
const SPOOL_MIN = "1MiB";
/** What fits into the memory of Node's defaults. */
const BUFFER_MAX = "1GiB";
/** It is read as a whole when an agent starts. */
const SPOOL_MAX = "4GiB";
const DELAY_MAX = "1h";
/** More often would be a flood of events of which each is soon out of date. */
const INTERVAL_MIN = "1s";

/** Where what the server has not acknowledged is kept. */
export interface SpoolPlacement {
  readonly directory: string;
  /** The directory is that of several agents, each with one below it. */
  readonly slots: boolean;
  readonly maxBytes: number;
}

/** What `novastream agent` was asked to do. */
export interface AgentOptions {
  readonly name: string;
  /** Without a slash at its end. */
  readonly server: string;
  /** Of lines in memory, where they cannot be on disk. */
  readonly bufferBytes: number;
  /** Undefined = in memory alone. */
  readonly spool: SpoolPlacement | undefined;
  readonly restart: RestartPolicyOptions;
  /** Between samples of what the program uses; 0 = none. */
  readonly statusIntervalMs: number;
  /** Which lines belong to the one before; undefined = none. */
  readonly continues: Continues | undefined;
  /** Whether levels are looked for in what the program writes. */
  readonly parse: boolean;
  readonly quiet: boolean;
  readonly command: readonly [string, ...string[]];
}

type Environment = Readonly<Record<string, string | undefined>>;
type Flags = ReturnType<typeof parseFlags>;

/**
 * The command line after `novastream agent`; undefined where it asks for help.
 * @throws UsageError
 */
export function parseAgentOptions(
  argv: readonly string[],
  env: Environment,
): AgentOptions | undefined {
  // What stands after the first `--` is the program's own, whatever it looks like.
  const split = argv.indexOf("--");
  const flags = parseFlags(split === -1 ? argv : argv.slice(0, split));
  if (flags.help) return undefined;
  const [program, ...args] = split === -1 ? [] : argv.slice(split + 1);
  const name = parseName(flags.name);
  const server =
    flags.server === undefined
      ? parseServer(env["NOVASTREAM_SERVER"] || DEFAULTS.server, "NOVASTREAM_SERVER")
      : parseServer(flags.server, "--server");
  return {
    name,
    server,
    bufferBytes: parseSize(flags.buffer, "--buffer", { min: BUFFER_MIN, max: BUFFER_MAX }),
    spool: parseSpool(flags, defaultSpoolRoot(name, server, env)),
    restart: parseRestart(flags),
    statusIntervalMs: parseDuration(flags["status-interval"], "--status-interval", {
      min: INTERVAL_MIN,
      max: DELAY_MAX,
      zero: true,
    }),
    continues: parseMultiline(flags.multiline),
    parse: parseChoice(flags.parse, "--parse", ["auto", "none"]) === "auto",
    quiet: flags.quiet,
    command: [parseProgram(program), ...args],
  };
}

function parseFlags(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        name: { type: "string" },
        server: { type: "string" },
        buffer: { type: "string", default: DEFAULTS.buffer },
        spool: { type: "string" },
        "spool-size": { type: "string", default: DEFAULTS["spool-size"] },
        "no-spool": { type: "boolean", default: false },
        restart: { type: "string", default: DEFAULTS.restart },
        "max-restarts": { type: "string" },
        "restart-delay": { type: "string", default: DEFAULTS["restart-delay"] },
        "status-interval": { type: "string", default: DEFAULTS["status-interval"] },
        multiline: { type: "string", default: DEFAULTS.multiline },
        parse: { type: "string", default: DEFAULTS.parse },
        quiet: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
      allowPositionals: true,
    });
    if (positionals.length > 0 && !values.help)
      throw new UsageError(`put -- before the program, as in: -- ${positionals.join(" ")}`);
    return values;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // Node's advice after the first sentence is about its own `--`.
    const [message = ""] = (error as Error).message.split(/\.\s/);
    throw new UsageError(message, { cause: error });
  }
}

function parseSpool(flags: Flags, root: string): SpoolPlacement | undefined {
  const maxBytes = parseSize(flags["spool-size"], "--spool-size", {
    min: SPOOL_MIN,
    max: SPOOL_MAX,
  });
  if (flags["no-spool"]) {
    if (flags.spool !== undefined)
      throw new UsageError("--no-spool and --spool exclude each other");
    return undefined;
  }
  if (flags.spool === undefined) return { directory: root, slots: true, maxBytes };
  if (flags.spool === "") throw new UsageError("--spool must be a directory");
  return { directory: flags.spool, slots: false, maxBytes };
}

function parseRestart(flags: Flags): RestartPolicyOptions {
  const max = flags["max-restarts"];
  return {
    mode: parseChoice(flags.restart, "--restart", RESTART_MODES),
    maxRestarts: max === undefined ? undefined : parseCount(max, "--max-restarts"),
    delayMs: parseDuration(flags["restart-delay"], "--restart-delay", { min: "1", max: DELAY_MAX }),
  };
}

function parseMultiline(text: string): Continues | undefined {
  if (text === "off") return undefined;
  if (text === "indent") return continuesByIndent;
  try {
    return continuesByPattern(new RegExp(text, "u"));
  } catch (error) {
    const why = (error as Error).message;
    throw new UsageError(
      `--multiline must be off, indent, or a regular expression, not ${shown(text)}: ${why}`,
      { cause: error },
    );
  }
}

function parseProgram(program: string | undefined): string {
  if (program) return program;
  throw new UsageError("the program is missing: put it after --, as in: -- node app.js");
}
