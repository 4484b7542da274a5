import { getHeapStatistics } from "node:v8";
import { containerMemory } from "./container-memory.ts";

/** What weighs on this process. */
export interface Load {
  /** How late whatever arrives is served, because the event loop is busy with something else. */
  readonly eventLoopDelayMs: number;
  /** What counts against the container's memory; where there is none, what the system counts as this process's. */
  readonly memoryBytes: number;
  /** Of the heap that V8 allows itself, beyond which it ends the process; from 0 to 1. */
  readonly heapShare: number;
}

/** PORT. Measures the load. Each reading MUST cover all the time since the one before it, and no other. */
export interface LoadMeter extends Disposable {
  read(): Load;
}

const TURN_MS = 50;

/**
 * Measures this very process.
 *
 * The delay is weighted by time: 900 ms of blocking followed by ten quick turns is a delay of nearly 900 ms to almost all
 * that arrives, which a mean over turns would hide. `monitorEventLoopDelay` would not do: a histogram that is reset
 * forgets the block which the reset has waited for, and a loop that blocks with regularity then shows no delay at all.
 */
export class ProcessLoadMeter implements LoadMeter {
  readonly #timer = setInterval(() => this.#turn(), TURN_MS).unref();
  #previousMs = performance.now();
  #sum = 0;
  #squares = 0;

  #turn(): void {
    const nowMs = performance.now();
    const turnMs = nowMs - this.#previousMs;
    this.#previousMs = nowMs;
    this.#sum += turnMs;
    this.#squares += turnMs * turnMs;
  }

  read(): Load {
    this.#turn();
    const turnMs = this.#sum > 0 ? this.#squares / this.#sum : 0;
    this.#sum = this.#squares = 0;
    const heap = getHeapStatistics();
    return {
      eventLoopDelayMs: Math.max(0, turnMs - TURN_MS),
      memoryBytes: containerMemory() ?? process.memoryUsage.rss(),
      heapShare: heap.used_heap_size / heap.heap_size_limit,
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
