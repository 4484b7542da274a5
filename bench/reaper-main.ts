import type { ReaperMessage } from "./reaper.ts";

/** Ends the process groups that it has been told of when its parent lets go of it, or dies, however it dies. */
const groups = new Set<number>();

process.on("message", ({ kind, group }: ReaperMessage) => {
  if (kind === "watch") groups.add(group);
  else groups.delete(group);
});
process.on("disconnect", () => {
  for (const group of groups) {
    try {
      process.kill(-group, "SIGKILL");
    } catch {
      // It has ended by itself meanwhile.
    }
  }
});
// Ctrl-C reaches all processes of the terminal: it is the parent's to act upon, and its end is ours.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => undefined);

// Until now, nobody would have heard of the parent's end.
if (process.connected) process.send!("ready");
