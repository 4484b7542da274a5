import { Load } from "./load.ts";
import type { LoadCommand, LoadReply } from "./protocol.ts";

/**
 * The load generator, a process of its own, so that its work is not the subject's: does one command after the other, as
 * they come from its parent, and ends when the parent lets go of it or dies.
 */
let load: Load | undefined;

async function run(command: LoadCommand): Promise<LoadReply> {
  try {
    if (command.kind === "publish")
      return { kind: "delivered", delivery: await load!.publish(command) };
    load = await Load.open(command);
    return { kind: "opened" };
  } catch (error) {
    return { kind: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}

process.on("message", (command: LoadCommand) => {
  void run(command).then((reply) => {
    if (process.connected) process.send!(reply);
    // It may have opened while its parent was leaving.
    else load?.[Symbol.dispose]();
  });
});
process.on("disconnect", () => load?.[Symbol.dispose]());
