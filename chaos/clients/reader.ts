import { setTimeout as delay } from "node:timers/promises";
import type { Findings } from "../law/findings.ts";
import type { Account, Stamp } from "../law/seen.ts";
import type { Random } from "../random.ts";
import { Notebook } from "./notebook.ts";
import type { Visit } from "./visit.ts";

/** What a reader reads, and how. */
export interface ReaderKind {
  readonly transport: string;
  readonly topics: readonly string[];
  /** With its query. */
  readonly path: string;
  readonly fromEarliest: boolean;
  readonly resumes: boolean;
  /** What its filter lets through, by an event's mark; undefined where it has none. */
  readonly wants: ((mark: string) => boolean) | undefined;
  readonly visit: Visit;
}

export interface ReaderOptions {
  readonly name: string;
  readonly kind: ReaderKind;
  /** Asked for each connection. */
  readonly base: () => string;
  readonly findings: Findings;
  readonly random: Random;
  readonly patienceMs: number;
  readonly onEvent: (reader: string, topic: string, stamp: Stamp) => void;
  /** Told of each gap, and of dropped events. */
  readonly onNotice: (reader: string, topic: string) => void;
}

/** A client that comes back whenever it is cut, with its cursor, to any process. */
export class ChaosReader implements AsyncDisposable {
  readonly name: string;
  readonly kind: ReaderKind;
  readonly #notebook: Notebook;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: ReaderOptions) {
    const { name, kind, onEvent, onNotice } = options;
    this.name = name;
    this.kind = kind;
    this.#notebook = new Notebook(kind.topics, {
      onEvent: (topic, stamp) => onEvent(name, topic, stamp),
      onNotice: (topic) => onNotice(name, topic),
    });
    this.#running = this.#run(options);
  }

  get connections(): number {
    return this.#notebook.connections;
  }

  /** The id of the last frame that had one. */
  get cursor(): string {
    return this.#notebook.cursor;
  }

  /** Of the last event on the connection that it has now. */
  get lastMark(): string | undefined {
    return this.#notebook.lastMark;
  }

  get account(): Account {
    const { transport, fromEarliest, resumes, wants } = this.kind;
    return this.#notebook.account({ reader: this.name, transport, fromEarliest, resumes, wants });
  }

  async #run({ kind, base, findings, random, patienceMs }: ReaderOptions): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const url = new URL(kind.path, base());
      const context = { reader: this.name, url, findings, patienceMs, signal };
      try {
        await kind.visit({ ...context, notebook: this.#notebook });
      } catch (error) {
        // A cut is what it is here for; what cannot be understood is not.
        if (!isCut(error)) findings.add("untrue", this.name, String(error));
      }
      await delay(random.whole(5, 100), undefined, { signal }).catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }
}

/** Of the network: Node marks those with a code. */
function isCut(error: unknown): boolean {
  return error instanceof Error && ("code" in error || error.message === "silence");
}
