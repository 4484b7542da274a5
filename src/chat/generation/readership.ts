import type { StateStore } from "../../state/state-store.ts";
import type { Logger } from "../../telemetry/logger.ts";

/** The group of generations that are read in some process that does not write them. */
const READ = "chat:read";
/** How long a reader elsewhere is believed to be there. */
const PRESENCE_MS = 10_000;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export interface ReadershipOptions {
  readonly state: StateStore;
  readonly logger: Logger;
  /** Whether this process writes it: then it need not be told elsewhere who reads it here. */
  readonly isOurs: (generation: string) => boolean;
  /** The last reader here has left. */
  readonly onLeft: (generation: string) => void;
}

/** Who reads which generation: counted here, and told to the processes that write what is read here. */
export class Readership implements AsyncDisposable {
  readonly #options: ReadershipOptions;
  readonly #counts = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #telling: Promise<void> | undefined;

  constructor(options: ReadershipOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tell([...this.generations]), PRESENCE_MS / 3).unref();
  }

  /** Those with readers here. */
  get generations(): Iterable<string> {
    return this.#counts.keys();
  }

  has(generation: string): boolean {
    return this.#counts.has(generation);
  }

  /** One more reader, until it is disposed. */
  join(generation: string): Disposable {
    const count = this.#counts.get(generation) ?? 0;
    this.#counts.set(generation, count + 1);
    if (count === 0) this.#tell([generation]);
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        this.#leave(generation);
      },
    };
  }

  #leave(generation: string): void {
    const count = this.#counts.get(generation)! - 1;
    if (count > 0) return void this.#counts.set(generation, count);
    this.#counts.delete(generation);
    this.#options.onLeft(generation);
  }

  /** Of each, whether a process that does not write it has, or had just now, a reader of it. */
  elsewhere(generations: readonly string[]): Promise<boolean[]> {
    return this.#options.state.held(READ, generations);
  }

  #tell(generations: readonly string[]): void {
    const { isOurs, logger, state } = this.#options;
    const foreign = generations.filter((generation) => !isOurs(generation));
    if (foreign.length === 0) return;
    const before = this.#telling;
    const telling = Promise.resolve(before)
      .then(() => state.hold(READ, foreign, PRESENCE_MS, NO_LIMIT))
      .then(
        () => undefined,
        (err: unknown) => logger.debug({ err }, "it could not be told who reads which answers"),
      );
    this.#telling = telling;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#telling;
  }
}
