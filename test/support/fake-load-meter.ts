import type { Load, LoadMeter } from "../../src/connections/load-meter.ts";

/** A meter that shows what a test says. */
export class FakeLoadMeter implements LoadMeter {
  load: Load = { eventLoopDelayMs: 0, memoryBytes: 0, heapShare: 0 };
  disposed = false;

  read(): Load {
    return this.load;
  }

  [Symbol.dispose](): void {
    this.disposed = true;
  }
}
