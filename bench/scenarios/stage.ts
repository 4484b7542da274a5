import { setTimeout as delay } from "node:timers/promises";
import { LoadProcess } from "../load/load-process.ts";
import type { OpenCommand, Outcome } from "../load/protocol.ts";
import { redisUrl } from "../subjects/redis.ts";
import { type Subject, TITLES } from "../subjects/subject.ts";
import { SubjectProcess } from "../subjects/subject-process.ts";
import type { Trial } from "./scenario.ts";

/** For what starting and connecting leaves behind; a few connections leave less. */
const settleMs = (readers: number): number => Math.min(1_000, readers);

export interface StageOptions {
  /** The Redis of the trial, which outlives the stage. */
  readonly redis?: SubjectProcess;
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

  static async open(trial: Trial, { redis }: StageOptions = {}): Promise<Stage> {
    // While it gets ready the subject starts.
    const load = new LoadProcess(trial.signal, trial.count);
    try {
      const subject = trial.subject!;
      const process = await SubjectProcess.start({
        title: TITLES[subject.name],
        reaper: trial.reaper,
        command: (port) => subject.command(port, redis && redisUrl(redis)),
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

  #settle(readers: number): Promise<void> {
    return delay(settleMs(readers), undefined, { signal: this.#signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.load[Symbol.asyncDispose](), this.process[Symbol.asyncDispose]()]);
  }
}
