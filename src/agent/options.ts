import { parseArgs } from "node:util";
import { NAME_PATTERN } from "../wire/grammar.ts";
import { trySize } from "../wire/units.ts";

const DEFAULT_SERVER = "http://127.0.0.1:8080";
const DEFAULT_BUFFER = "16MiB";
/** Twice the largest entry: with less, one line could push out all others. */
const BUFFER_MIN_BYTES = 256 * 1024;
/** What fits into the memory of Node's defaults. */
const BUFFER_MAX_BYTES = 1024 ** 3;

/** What `novastream agent` was asked to do. */
export interface AgentOptions {
  readonly name: string;
  /** Without a slash at its end. */
  readonly server: string;
  readonly bufferBytes: number;
  readonly quiet: boolean;
  readonly command: readonly [string, ...string[]];
}

/** The command line is not what it should be; the message is one line for the person who typed it. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * The command line after `novastream agent`; undefined where it asks for help.
 * @throws UsageError
 */
export function parseAgentOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): AgentOptions | undefined {
  // What stands after the first `--` is the program's own, whatever it looks like.
  const split = argv.indexOf("--");
  const values = parseFlags(split === -1 ? argv : argv.slice(0, split));
  if (values.help) return undefined;
  const [program, ...args] = split === -1 ? [] : argv.slice(split + 1);
  return {
    name: parseName(values.name),
    server:
      values.server === undefined
        ? parseServer(env["NOVASTREAM_SERVER"] || DEFAULT_SERVER, "NOVASTREAM_SERVER")
        : parseServer(values.server, "--server"),
    bufferBytes: parseBuffer(values.buffer),
    quiet: values.quiet,
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
        buffer: { type: "string", default: DEFAULT_BUFFER },
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

function parseName(name: string | undefined): string {
  if (name === undefined) throw new UsageError("--name is missing: which Wukong is this?");
  if (NAME_PATTERN.test(name)) return name;
  const grammar = "lower-case letters, digits, dots, dashes and underscores, at most 63";
  throw new UsageError(`--name must be ${grammar}, not ${shown(name)}`);
}

function parseServer(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${from} must be a URL like ${DEFAULT_SERVER}, not ${shown(text)}`);
  // Fetch refuses credentials in a URL, on every attempt; a query would swallow the path that is put after it.
  if (url.username || url.password || url.search || url.hash)
    throw new UsageError(`${from} must be a URL without user, query and fragment`);
  return url.href.replace(/\/+$/, "");
}

function parseBuffer(text: string): number {
  const bytes = trySize(text);
  if (bytes !== undefined && bytes >= BUFFER_MIN_BYTES && bytes <= BUFFER_MAX_BYTES) return bytes;
  const range = "a size from 256KiB to 1GiB";
  throw new UsageError(`--buffer must be ${range}, such as ${DEFAULT_BUFFER}, not ${shown(text)}`);
}

function parseProgram(program: string | undefined): string {
  if (program) return program;
  throw new UsageError("the program is missing: put it after --, as in: -- node app.js");
}

function shown(text: string): string {
  return JSON.stringify(text);
}
