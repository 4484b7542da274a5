import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { containerMemoryLimit } from "./container-memory.ts";
import type { Load, LoadMeter } from "./load-meter.ts";

const WINDOW_MS = 1_000;
/** A hiccup (a collection, a pause of the machine) is one window, however long: overload is what lasts. */
const TRIP_WINDOWS = 3;
/** Back to normal is what lasts too, and is well below the limit: or it would come and go. */
const CLEAR_WINDOWS = 4;
const CLEAR_SHARE = 0.9;
/** V8 collects what it can before it comes so close to the limit of its heap. */
const HEAP_SHARE_MAX = 0.95;

/** From where on it is too much, of each kind of load; 0 = there is no limit. */
export type OverloadLimits = Readonly<Record<keyof Load, number>>;

/**
 * @param eventLoopDelayMs 0 = no limit
 * @param memoryBytes undefined = what the container may have; 0 = no limit of memory at all
 */
export function overloadLimits(
  eventLoopDelayMs: number,
  memoryBytes: number | undefined,
): OverloadLimits {
  return {
    eventLoopDelayMs,
    memoryBytes: memoryBytes ?? containerMemoryLimit(),
    heapShare: memoryBytes === 0 ? 0 : HEAP_SHARE_MAX,
  };
}

export interface OverloadGuardOptions {
  readonly limits: OverloadLimits;
  /** Taken over, and disposed with the guard. */
  readonly meter: LoadMeter;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Told of each change. */
  readonly onChange: (overloaded: boolean) => void;
}

/**
 * Notices when this process has more to do than it can, so that newcomers go elsewhere before those who are here suffer.
 * It ends nothing, and makes no pod unready: an unready pod may lose the streams that it has.
 */
export class OverloadGuard implements AsyncDisposable {
  readonly #options: OverloadGuardOptions;
  readonly #timer: NodeJS.Timeout;
  #overloaded = false;
  /** How many windows in a row have spoken for a change. */
  #windows = 0;

  constructor(options: OverloadGuardOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.sample(), WINDOW_MS).unref();
  }

  get overloaded(): boolean {
    return this.#overloaded;
  }

  /** Looks at the window that ends now; called by the guard's own timer. */
  sample(): void {
    const load = this.#options.meter.read();
    const share = this.#shareOf(load);
    const forChange = this.#overloaded ? share < CLEAR_SHARE : share >= 1;
    this.#windows = forChange ? this.#windows + 1 : 0;
    if (this.#windows < (this.#overloaded ? CLEAR_WINDOWS : TRIP_WINDOWS)) return;
    this.#windows = 0;
    this.#turn(!this.#overloaded, load);
  }

  /** How near the nearest limit is; 1 = reached. */
  #shareOf(load: Load): number {
    const { limits } = this.#options;
    const share = (kind: keyof Load) => (limits[kind] > 0 ? load[kind] / limits[kind] : 0);
    return Math.max(share("eventLoopDelayMs"), share("memoryBytes"), share("heapShare"));
  }

  #turn(overloaded: boolean, load: Load): void {
    const { metrics, logger, onChange, limits } = this.#options;
    this.#overloaded = overloaded;
    metrics.overloaded(overloaded);
    if (overloaded) logger.warn({ load, limits }, "overloaded: newcomers are turned away");
    else logger.info({ load }, "no longer overloaded: newcomers are let in again");
    onChange(overloaded);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#options.meter[Symbol.dispose]();
  }
}
