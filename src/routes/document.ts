import { ServiceError } from "../errors.ts";
import { DOCUMENT_HEADERS, type Conclusion } from "../transports/json-document.ts";
import type { Closing, Format } from "../transports/transport.ts";
import { CURSOR_PARAMETERS, type StreamQuery } from "../wire/stream-query.ts";
import { problemOf } from "./problem.ts";
import { type AppContext, queryOf } from "./request.ts";

/** Events of one document, unless `limit` says less. */
const PAGE_EVENTS = 1_000;
/** Events that one document's filter may look at. */
const PAGE_SCANNED = 10_000;

/** One JSON document in place of a stream. */
export interface DocumentRequest {
  /** For something to come; undefined = what is there. */
  readonly waitMs: number | undefined;
  /** The label in metrics and lists. */
  readonly kind: "json" | "long-poll";
  /** Decides what becomes of it when its connection ends. */
  readonly conclude: (closing: Closing) => Conclusion;
}

/** What a JSON document may hold at most. */
export function pageOf({ limit }: StreamQuery): { events: number; scanned: number } {
  return { events: limit ?? PAGE_EVENTS, scanned: PAGE_SCANNED };
}

/**
 * Undefined where a stream is asked for.
 * @throws ServiceError `invalid-parameter` where a document is asked for and what documents do not do, or the reverse
 */
export function documentOf(
  c: AppContext,
  format: Format,
  query: StreamQuery,
): DocumentRequest | undefined {
  const { wait, follow, limit } = query;
  if (format.name !== "json") {
    if (limit === undefined) return undefined;
    throw invalid("limit", "limit is for JSON documents, with format=json or wait.");
  }
  if (wait !== undefined && follow === false)
    throw invalid("wait", "follow=false and wait exclude each other.");
  if (wait === undefined && follow === true) {
    throw invalid("follow", "format=json and follow=true exclude each other; wait is a long poll.");
  }
  return {
    waitMs: wait,
    kind: wait === undefined ? "json" : "long-poll",
    conclude: concluder(queryOf(c), query, c.get("requestId")),
  };
}

function invalid(field: string, detail: string): ServiceError {
  return new ServiceError("invalid-parameter", detail, { field });
}

const START_PARAMETERS: ReadonlySet<string> = new Set([
  ...CURSOR_PARAMETERS,
  "from",
  "tail",
  "since",
  "_",
  "evs_preamble",
]);

function concluder(
  query: URLSearchParams,
  { until }: StreamQuery,
  requestId: string,
): (closing: Closing) => Conclusion {
  return (closing) => {
    const error = errorOf(closing);
    if (error) {
      const { status, headers, body } = problemOf(error, requestId);
      return { status, headers: { ...DOCUMENT_HEADERS, ...headers }, body };
    }
    const headers = { ...DOCUMENT_HEADERS, "content-type": "application/json" };
    if (!closing.more) return { status: 200, headers };
    const params = new URLSearchParams([...query].filter(([name]) => !START_PARAMETERS.has(name)));
    // An age would move the end with every page.
    if (until !== undefined) params.set("until", String(until));
    if (!params.has("wait")) params.set("format", "json");
    params.set("last_event_id", closing.cursor!);
    // Relative to the request, and so right behind a gateway that has cut a prefix off the path.
    return { status: 200, headers: { ...headers, link: `<?${params.toString()}>; rel="next"` } };
  };
}

/** A client that is told to leave early has its answer all the same, and goes on with the next. */
function errorOf({ reason, retryMs, cursor }: Closing): ServiceError | undefined {
  if (reason === "deleted") return new ServiceError("not-found", "This has been deleted.");
  if (reason === "internal")
    return new ServiceError("internal", "The service failed. It has been logged.");
  if (cursor !== undefined) return undefined;
  if (reason !== "finished") {
    const detail = "This process is shutting down: come back, and you reach another.";
    return new ServiceError(
      "draining",
      detail,
      retryMs === undefined ? {} : { retryAfterMs: retryMs },
    );
  }
  return new ServiceError("log-unavailable", "The event log cannot be reached.", {
    retryAfterMs: 1_000,
  });
}
