import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ServiceError } from "../errors.ts";
import type { PublishContext } from "../log/publisher.ts";
import type { IngestProgress } from "../wire/publish.ts";
import type { LogIngest } from "../wukongs/log-ingest.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { requireText } from "./body.ts";
import { problemResponse } from "./problem.ts";
import { type AppContext, incomingOf, outgoingOf } from "./request.ts";

/** A pipe may be quiet for long; a sender that has gone shows by its connection. */
const IDLE_TIMEOUT_MS = 10 * 60_000;
/** After an early answer, so much time is left for the sender to hear it. */
const LINGER_MS = 2_000;

export interface IngestServices {
  readonly ingest: LogIngest;
  readonly metrics: Metrics;
  /** Aborts when the process is shutting down. */
  readonly drainSignal: AbortSignal;
}

export interface IngestCommand extends PublishContext {
  readonly name: string;
  /** Whether the progress is told while the body arrives. */
  readonly live: boolean;
}

/**
 * Answers an upload once it is in: `201` and how many lines that were. What goes wrong is a problem document that says how
 * many are in. With `live` it answers while it reads, with one line of progress for each batch (NDJSON); what goes wrong
 * after the first is then a last line with `error`.
 */
export async function answerIngest(
  c: AppContext,
  services: IngestServices,
  { live, ...request }: IngestCommand,
): Promise<void> {
  const [incoming, outgoing] = [incomingOf(c), outgoingOf(c)];
  const format = /json/i.test(incoming.headers["content-type"] ?? "") ? "ndjson" : "text";
  const head = { ...Object.fromEntries(c.res.headers), "cache-control": "no-store" };
  const answer = (progress: IngestProgress): boolean => {
    if (!outgoing.headersSent)
      outgoing.writeHead(201, { ...head, "content-type": "application/x-ndjson" });
    return outgoing.write(`${JSON.stringify(progress)}\n`);
  };
  try {
    requireText(incoming);
    const body = pieces(incoming, services.drainSignal);
    let newest: IngestProgress = { lines: 0 };
    for await (const progress of services.ingest.ingest({ ...request, format, body })) {
      newest = progress;
      // Who sends and does not listen is not read from either.
      if (live && !answer(progress)) await drained(outgoing);
    }
    // Not before: once nginx has seen the head of an answer, it passes on the rest of a body only until the connection to
    // us is full for the first time, and then no more; and Go's server does not read on without being told to.
    if (!live) answer(newest);
    outgoing.end();
  } catch (error) {
    services.metrics.error(error instanceof ServiceError ? error.code : "internal");
    if (outgoing.headersSent) {
      answer(failureOf(error));
      outgoing.end();
    } else {
      await sendProblem(outgoing, head, problemResponse(error, c.get("requestId")));
    }
    dismiss(incoming);
    if (!(error instanceof ServiceError)) throw error;
  }
}

async function drained(outgoing: ServerResponse): Promise<void> {
  if (outgoing.closed) return;
  const abort = new AbortController();
  const { signal } = abort;
  await Promise.race([once(outgoing, "drain", { signal }), once(outgoing, "close", { signal })]);
  abort.abort();
}

/** The body as it arrives. @throws ServiceError when it stays away, is cut, or the process shuts down */
async function* pieces(
  incoming: IncomingMessage,
  drainSignal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const iterator = incoming.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  for (;;) {
    const next = await nextPiece(iterator, drainSignal);
    if (next.done) return;
    yield next.value;
  }
}

function nextPiece(
  iterator: AsyncIterator<Uint8Array>,
  drainSignal: AbortSignal,
): Promise<IteratorResult<Uint8Array>> {
  return new Promise((resolve, reject) => {
    const onDrain = (): void => {
      const detail = "This process is shutting down: send the rest again.";
      settle(() => reject(new ServiceError("draining", detail, { retryAfterMs: 1_000 })));
    };
    const timer = setTimeout(() => {
      settle(() =>
        reject(
          new ServiceError("body-timeout", "Nothing has arrived for ten minutes.", {
            field: "body",
          }),
        ),
      );
    }, IDLE_TIMEOUT_MS);
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      drainSignal.removeEventListener("abort", onDrain);
      outcome();
    };
    if (drainSignal.aborted) return onDrain();
    drainSignal.addEventListener("abort", onDrain, { once: true });
    iterator.next().then(
      (next) => settle(() => resolve(next)),
      (cause: unknown) => {
        settle(() =>
          reject(
            new ServiceError("body-incomplete", "The body was cut short.", {
              field: "body",
              cause,
            }),
          ),
        );
      },
    );
  });
}

function failureOf(error: unknown): IngestProgress {
  const known =
    error instanceof ServiceError
      ? error
      : new ServiceError("internal", "The service failed. It has been logged.");
  const { lines = 0, id, line } = known.extra as { lines?: number; id?: string; line?: number };
  return {
    lines,
    ...(id === undefined ? {} : { id }),
    error: {
      code: known.code,
      message: known.message,
      ...(line === undefined ? {} : { line }),
      retryable: known.retryable,
    },
  };
}

async function sendProblem(
  outgoing: ServerResponse,
  head: Record<string, string>,
  problem: Response,
): Promise<void> {
  outgoing.writeHead(problem.status, { ...head, ...Object.fromEntries(problem.headers) });
  outgoing.end(await problem.text());
}

/** Lets the sender hear an early answer, then hangs up: a body without end is not read to its end. */
function dismiss(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed) return;
  incoming.resume();
  const timer = setTimeout(() => incoming.destroy(), LINGER_MS).unref();
  incoming.once("close", () => clearTimeout(timer));
}
