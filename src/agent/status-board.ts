import { isNews, type ProgramStatus, type StatusSample } from "./program-status.ts";
import { ResourceMeter } from "./resource-usage.ts";
import type { Spool } from "./spool.ts";

export interface StatusBoardOptions {
  readonly spool: Spool;
  readonly report: (status: ProgramStatus) => void;
  /** Between samples; 0 = none. */
  readonly intervalMs: number;
}

/** What is known of the program: a change of its phase is told at once, its figures now and then, if they are news. */
export class StatusBoard implements Disposable {
  readonly #options: StatusBoardOptions;
  #status: ProgramStatus;
  #meter: ResourceMeter | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(options: StatusBoardOptions, first: ProgramStatus) {
    this.#options = options;
    this.#status = first;
    if (options.intervalMs > 0)
      this.#timer = setInterval(() => void this.#sample(), options.intervalMs).unref();
    options.report(first);
  }

  /** The program has another phase. */
  change(change: Partial<ProgramStatus>): void {
    const { pid, phase } = change;
    if (phase !== undefined) this.#meter = undefined;
    if (phase === "Running" && pid !== undefined) this.#measure(pid);
    this.#tell({ ...(phase === "Running" ? {} : IDLE), ...change, ...this.#spoolFigures() });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #measure(pid: number): void {
    if (this.#options.intervalMs === 0) return;
    this.#meter = new ResourceMeter(pid);
    // The first sample is what the next one's processor time is counted from.
    void this.#meter.trySample();
  }

  async #sample(): Promise<void> {
    const meter = this.#meter;
    const usage = await meter?.trySample();
    // It has ended meanwhile: these are a dead program's figures.
    if (meter !== this.#meter) return;
    const sample: StatusSample = { ...usage, ...this.#spoolFigures() };
    if (isNews(this.#status, sample)) this.#tell(sample);
  }

  #spoolFigures(): StatusSample {
    const { bytes, droppedLines, trouble } = this.#options.spool;
    return { spooledBytes: bytes, droppedLines, spoolTrouble: trouble };
  }

  #tell(change: Partial<ProgramStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.#options.report(this.#status);
  }
}

/** Who does not run uses nothing. */
const IDLE: StatusSample = { cpuCores: undefined, memoryBytes: undefined };
