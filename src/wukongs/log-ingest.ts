import { isUtf8 } from "node:buffer";
import { ServiceError } from "../errors.ts";
import type { EventDraft } from "../log/event.ts";
import type { EventLog } from "../log/event-log.ts";
import { formatPosition } from "../log/position.ts";
import { PUBLISH_MAX_EVENTS, type PublishContext, type Publisher } from "../log/publisher.ts";
import { logsTopic } from "../log/topic.ts";
import type { IngestProgress } from "../wire/publish.ts";
import { LineSplitter, splitLines } from "./line-splitter.ts";
import { logDraft, parseLogLine } from "./log-line.ts";

/** Data in one append, so that one upload does not hold Redis or this process for long. */
const BATCH_BYTES = 256 * 1024;

export interface IngestRequest extends PublishContext {
  readonly name: string;
  /** Each line a JSON log line, or plain text. */
  readonly format: "ndjson" | "text";
  readonly body: AsyncIterable<Uint8Array>;
}

export interface LogIngestOptions {
  readonly log: EventLog;
  readonly publisher: Publisher;
  /** Of one line. */
  readonly maxLineBytes: number;
}

/** Appends a log line by line as its body arrives, however long that is. */
export class LogIngest {
  readonly #options: LogIngestOptions;

  constructor(options: LogIngestOptions) {
    this.#options = options;
  }

  /**
   * Yields after each batch that is in. With an idempotency key, a repetition skips the lines that are in already.
   * @throws ServiceError that says how many lines are in (`extra.lines`) and which one is at fault (`extra.line`)
   */
  async *ingest(request: IngestRequest): AsyncGenerator<IngestProgress> {
    const { name, format, body } = request;
    const topic = logsTopic(name);
    const lines = new LineSplitter(this.#options.maxLineBytes);
    let [done, line] = [0, 0];
    let id: string | undefined;
    let batch: EventDraft[] = [];

    const flush = async (): Promise<IngestProgress> => {
      const appended = await this.#append(topic, batch, done, request);
      id = appended;
      done += batch.length;
      batch = [];
      return { lines: done, id };
    };
    try {
      let bytes = 0;
      for await (const pieces of splitLines(body, lines)) {
        for (const piece of pieces) {
          line++;
          const draft = this.#draft(piece, format, line);
          if (!draft) continue;
          batch.push(draft);
          bytes += draft.data.length;
          if (bytes >= BATCH_BYTES || batch.length >= PUBLISH_MAX_EVENTS) {
            yield await flush();
            bytes = 0;
          }
        }
        if (batch.length > 0) yield await flush();
        bytes = 0;
      }
      if (done === 0) yield { lines: 0 };
    } catch (error) {
      // What came before the bad line counts: the sender learns how much of it is in.
      if (isSendersFault(error) && batch.length > 0) await flush();
      throw withProgress(error, done, id);
    }
  }

  /** Undefined of an empty line between documents. */
  #draft(bytes: Buffer, format: "ndjson" | "text", line: number): EventDraft | undefined {
    // A program's output is what it is: bytes that are no text show as U+FFFD. A JSON document has no such excuse.
    if (format === "text")
      return this.#checked(logDraft({ message: bytes.toString("utf8") }), line);
    if (!isUtf8(bytes))
      throw new ServiceError("invalid-utf8", `Line ${line} is not UTF-8.`, { extra: { line } });
    const text = bytes.toString("utf8");
    if (text.trim() === "") return undefined;
    const parsed = parseLogLine(text);
    if ("problem" in parsed) {
      throw new ServiceError("invalid-line", `Line ${line}: ${parsed.problem}.`, {
        extra: { line },
      });
    }
    return this.#checked(logDraft(parsed), line);
  }

  #checked(draft: EventDraft, line: number): EventDraft {
    this.#options.publisher.checkSize(draft, `Line ${line}`);
    return draft;
  }

  async #append(
    topic: ReturnType<typeof logsTopic>,
    drafts: readonly EventDraft[],
    offset: number,
    { principal, idempotencyKey }: PublishContext,
  ): Promise<string> {
    const progress =
      idempotencyKey === undefined ? undefined : { key: `${principal}:${idempotencyKey}`, offset };
    const appended = await this.#options.log.append(topic, drafts, progress ? { progress } : {});
    this.#options.publisher.count(topic, appended);
    // Of a repetition, `first` is where the newest line stands.
    const { first, count, repeated } = appended;
    return formatPosition(repeated ? first : { ms: first.ms, n: first.n + count - 1 });
  }
}

function isSendersFault(error: unknown): boolean {
  return error instanceof ServiceError && error.status < 500;
}

function withProgress(error: unknown, lines: number, id: string | undefined): unknown {
  if (!(error instanceof ServiceError)) return error;
  return new ServiceError(error.code, error.message, {
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    extra: { ...error.extra, lines, ...(id === undefined ? {} : { id }) },
    cause: error,
  });
}
