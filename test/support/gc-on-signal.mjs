import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// Loaded into a service under test with NODE_OPTIONS: SIGUSR2 collects garbage, and a line on stderr tells that it has.
// JavaScript, because Node 20 does not run TypeScript and the service runs as it ships.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
process.on("SIGUSR2", () => {
  collect();
  process.stderr.write("collected\n");
});
