import { setTimeout as delay } from "node:timers/promises";
import { LoadProcess } from "../load/load-process.ts";
import type { OpenCommand, Outcome } from "../load/protocol.ts";
import { redisUrl } from "../subjects/redis.ts";
import { type Subject, TITLES } from "../subjects/subject.ts";
import { SubjectProcess } from "../subjects/subject-process.ts";
import type { Trial } from "./scenario.ts";

/** For what starting and connecting leaves behind; a few connections leave less. */
const settleMs = (readers: number): number => Math.min(1_000, readers);

/** Of the demo model, before each token, where a scenario does not say. */
export const MODEL_DELAY_MS = 5;
const MEMORY_LOOK_MS = 250;

export interface StageOptions {
  /** The Redis of the trial, which outlives the stage. */
  readonly redis?: SubjectProcess;
  readonly modelDelayMs?: number;
}

/** A subject and a load generator, fresh processes both, for one trial. */
export class Stage implements AsyncDisposable {
  readonly process: SubjectProcess;
  readonly load: LoadProcess;
  readonly subject: Subject;
  readonly #signal: AbortSignal;

  private constructor(trial: Trial, process: SubjectProcess, load: LoadProcess) {
    this.subject = trial.subject!;
    this.process = process;
    this.load = load;
    this.#signal = trial.signal;
  }

  static async open(
    trial: Trial,
    { redis, modelDelayMs = MODEL_DELAY_MS }: StageOptions = {},
  ): Promise<Stage> {
    const circumstances = { redisUrl: redis && redisUrl(redis), modelDelayMs };
    // While it gets ready the subject starts.
    const load = new LoadProcess(trial.signal, trial.count);
    try {
      const subject = trial.subject!;
      const process = await SubjectProcess.start({
        title: TITLES[subject.name],
        reaper: trial.reaper,
        command: (port) => subject.command(port, circumstances),
      });
      return new Stage(trial, process, load);
    } catch (error) {
      await load[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves when all readers are live. */
  openReaders(readers: number, options: Partial<OpenCommand> = {}): Promise<Outcome> {
    const { surface } = this.subject;
    const { port } = this.process;
    return this.load.do({
      kind: "open",
      port,
      surface,
      readers,
      backlog: 0,
      atOnce: false,
      ...options,
    });
  }

  /** Memory that the readers have taken, in KB for each. */
  async residentKbOf(readers: number, open: () => Promise<unknown>): Promise<number> {
    await this.#settle(readers);
    const before = await this.process.residentKb();
    await open();
    await this.#settle(readers);
    return ((await this.process.residentKb()) - before) / readers;
  }

  /** The most memory that so many answers take while they are made, in KB for each. */
  async peakKbOf<T>(answers: number, make: () => Promise<T>): Promise<{ kb: number; made: T }> {
    await this.#settle(answers);
    const before = await this.process.residentKb();
    let peak = before;
    const over = new AbortController();
    const look = async (): Promise<void> => {
      while (!over.signal.aborted) {
        peak = Math.max(peak, await this.process.residentKb());
        await delay(MEMORY_LOOK_MS, undefined, { signal: over.signal }).catch(() => undefined);
      }
    };
    const [made] = await Promise.all([make().finally(() => over.abort()), look()]);
    return { kb: (peak - before) / answers, made };
  }

  #settle(readers: number): Promise<void> {
    return delay(settleMs(readers), undefined, { signal: this.#signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.load[Symbol.asyncDispose](), this.process[Symbol.asyncDispose]()]);
  }
}
