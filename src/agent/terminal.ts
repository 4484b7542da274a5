import type { Writable } from "node:stream";

/** Where the program's output, and the agent's own words, are shown. */
export interface Terminal {
  readonly stdout: Writable;
  readonly stderr: Writable;
}
