import { expect } from "vitest";
import {
  type DocumentedResponse,
  type Members,
  type Operation,
  operation,
  OPERATIONS,
} from "./support-document.ts";
import { faultOf } from "./support-schemas.ts";
import { linesOf, parseNdjson, parseSse } from "./support-streams.ts";

export const NDJSON = "application/x-ndjson";
export const SSE = "text/event-stream";
export const TEXT = "text/plain; charset=utf-8";

/** One request, and what is to come of it. */
export interface Call {
  readonly operation: string;
  /** Values of the path's parameters, as they are to stand in the URL. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  readonly status: number;
  /** Of the problem. */
  readonly code?: string;
  readonly field?: string;
  /** Of the answer, as the document writes it. */
  readonly media?: string;
  /** Ends the reading of a stream that does not end by itself. */
  readonly until?: string;
}

export interface Answer {
  readonly headers: Headers;
  readonly text: string;
  /** The body's document, or its items. */
  readonly items: readonly unknown[];
}

/** Sends requests to a service and holds every answer against the document; knows what has been exercised. */
export class Exercise {
  /** `operation status media`. */
  readonly exercised = new Set<string>();

  async call(origin: string, call: Call): Promise<Answer> {
    const documented = operation(call.operation);
    const leave = new AbortController();
    const response = await fetch(urlOf(origin, documented, call), {
      method: documented.method,
      signal: leave.signal,
      ...(call.headers && { headers: call.headers }),
      ...(call.body !== undefined && { body: call.body }),
      ...(call.body instanceof ReadableStream && { duplex: "half" }),
    });
    const text = await read(response, call.until);
    leave.abort();
    expect(response.status, text).toBe(call.status);
    const { media, items } = this.check(documented, response.status, response.headers, text);
    if (call.media) expect(media).toBe(call.media);
    const told = toldOf(items[0] as Members | undefined, response.status);
    if (call.code) expect(told).toMatchObject({ code: call.code, status: call.status });
    if (call.field) expect(told).toMatchObject({ field: call.field });
    return { headers: response.headers, text, items };
  }

  /** Fails where an answer is not as the document says. */
  check({ id, responses }: Operation, status: number, headers: Headers, text: string) {
    const documented = responses[status];
    if (!documented)
      throw new Error(`${id} answers ${status}, of which the document says nothing: ${text}`);
    checkHeaders(documented, headers);
    const type = headers.get("content-type") ?? "";
    this.exercised.add(`${id} ${status} ${type}`.trimEnd());
    const media = documented.content[type];
    if (!media) {
      expect([type, text, Object.keys(documented.content)], `${id} ${status}`).toEqual([
        "",
        "",
        [],
      ]);
      return { media: type, items: [] };
    }
    const items = itemsOf(type, media, text);
    const schema = (media["itemSchema"] ?? media["schema"]) as Members;
    const fault = items.map((item) => faultOf(schema, item)).find((found) => found !== undefined);
    expect(fault, `${id} ${status}`).toBeUndefined();
    return { media: type, items };
  }

  /** What the document says and nobody has seen. */
  missing(exempt: (operationId: string, status: string) => boolean): string[] {
    return OPERATIONS.flatMap(({ id, responses }) =>
      Object.entries(responses)
        .filter(([status]) => !exempt(id, status))
        .flatMap(([status, { content }]) => {
          const media = Object.keys(content);
          return (media.length > 0 ? media : [""]).map((type) =>
            `${id} ${status} ${type}`.trimEnd(),
          );
        }),
    ).filter((line) => !this.exercised.has(line));
  }
}

/** What is wrong, as a problem says it, or as OpenAI does, who tell the status by the status. */
function toldOf(document: Members | undefined, status: number): Members | undefined {
  const error = document?.["error"] as Members | undefined;
  return error ? { code: error["code"]!, field: error["param"]!, status } : document;
}

/** A call in one line. */
export const titleOf = ({
  operation: id,
  path,
  query,
  headers,
  body,
  status,
  code,
}: Call): string => {
  const { method, path: template } = operation(id);
  const filled = template.replace(
    /\{(\w+)\}/g,
    (whole, name: string) => path?.[name]?.slice(0, 20) ?? whole,
  );
  const sent = [
    JSON.stringify(headers),
    typeof body === "string" ? body.slice(0, 40) : undefined,
  ].filter(Boolean);
  return `${method} ${filled}${query ? `?${query}` : ""} ${sent.join(" ")} → ${status} ${code ?? ""}`.replace(
    / +/g,
    " ",
  );
};

function urlOf(origin: string, { path }: Operation, call: Call): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => call.path?.[name] ?? `no-${name}`);
  return `${origin}${filled}${call.query ? `?${call.query}` : ""}`;
}

async function read(response: Response, until: string | undefined): Promise<string> {
  if (until === undefined || response.status !== 200) return response.text();
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of response.body!) {
    text += decoder.decode(piece as Uint8Array, { stream: true });
    if (text.includes(until)) return text;
  }
  throw new Error(`${until} did not come: ${text}`);
}

function checkHeaders({ headers }: DocumentedResponse, actual: Headers): void {
  for (const [name, { required, schema }] of Object.entries(headers)) {
    const value = actual.get(name);
    if (value === null) {
      expect(required, `${name} is missing`).not.toBe(true);
      continue;
    }
    const typed = (schema as Members)["type"] === "integer" ? Number(value) : value;
    expect(faultOf(schema as Members, typed), name).toBeUndefined();
  }
}

/** The documents in a body, as its media type frames them. */
export function itemsOf(type: string, media: Members, text: string): unknown[] {
  if (!media["itemSchema"]) return [/json/.test(type) ? (JSON.parse(text) as unknown) : text];
  const marker = media["x-end-marker"] as string | undefined;
  if (type.startsWith("text/event-stream")) {
    const items = parseSse(text);
    if (marker !== undefined && items.at(-1)?.data === marker) items.pop();
    return items;
  }
  const ended = marker !== undefined && linesOf(text).at(-1) === marker;
  return parseNdjson(ended ? text.slice(0, text.lastIndexOf(marker)) : text);
}
