#!/usr/bin/env node
import { runAgent } from "./agent/agent.ts";
import { AGENT_HELP } from "./agent/help.ts";
import { UsageError } from "./agent/option-values.ts";
import { parseAgentOptions } from "./agent/options.ts";

const HELP = `Usage: novastream COMMAND [options]

Commands:
  agent   run a program and publish its lines and its state

Options:
  -h, --help   show this; of a command: novastream agent --help

Environment:
  NOVASTREAM_SERVER   the NovaStream server (default: http://127.0.0.1:8080)

Exit codes:
  2   the command line is wrong; else see the command

Example:
  novastream agent --name web-1 -- node app.js
`;
const USAGE_EXIT_CODE = 2;

async function main([command, ...args]: readonly string[]): Promise<number> {
  if (command === "--help" || command === "-h" || command === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  if (command !== "agent") {
    const what = command === undefined ? "a command is missing" : `there is no command ${command}`;
    return refuse(`${what}; see novastream --help`);
  }
  try {
    const options = parseAgentOptions(args, process.env);
    if (options) return await runAgent(options, process);
    process.stdout.write(AGENT_HELP);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return refuse(`${error.message}; see novastream agent --help`);
  }
}

function refuse(message: string): number {
  process.stderr.write(`novastream: ${message}\n`);
  return USAGE_EXIT_CODE;
}

// Whoever watches may leave first (`| head`): that ends what is shown, and not the program or its log.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

process.exitCode = await main(process.argv.slice(2));
