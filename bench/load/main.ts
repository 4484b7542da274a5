import { chat } from "./chat.ts";
import { crowd } from "./crowd.ts";
import { fill } from "./fill.ts";
import { getAtOnce } from "./get.ts";
import { Load } from "./load.ts";
import type { LoadCommand, LoadReply, Outcome } from "./protocol.ts";

/**
 * The load generator, a process of its own, so that its work is not the subject's: does one command after the other, as
 * they come from its parent, and ends when the parent lets go of it or dies.
 */
let load: Load | undefined;

function run(command: LoadCommand): Promise<Outcome> {
  switch (command.kind) {
    case "open":
      load = new Load(command);
      return load.open(command);
    case "publish":
      return load!.publish(command);
    case "reconnect":
      return load!.reconnect(command);
    case "fill":
      return fill(command);
    case "get":
      return getAtOnce(command);
    case "chat":
      return chat(command);
    case "crowd":
      return crowd(command);
  }
}

async function answer(command: LoadCommand): Promise<LoadReply> {
  try {
    return { kind: "done", outcome: await run(command) };
  } catch (error) {
    return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}

process.on("message", (command: LoadCommand) => {
  void answer(command).then((reply) => {
    if (process.connected) process.send!(reply);
    // It may have opened while its parent was leaving.
    else load?.[Symbol.dispose]();
  });
});
process.on("disconnect", () => load?.[Symbol.dispose]());
