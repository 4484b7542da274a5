import { WebSocket } from "ws";
import type { Findings } from "../law/findings.ts";
import { frameOf } from "./decoders.ts";
import type { Decoder } from "./frame.ts";
import type { Notebook } from "./notebook.ts";
import { open, textOf } from "./request.ts";

/** What one connection of a reader needs. */
export interface VisitContext {
  readonly reader: string;
  readonly url: URL;
  readonly notebook: Notebook;
  readonly findings: Findings;
  /** After so much silence, in ms, a careful client comes back elsewhere; above the heartbeat. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** One connection, from its start to its end, however it ends. */
export type Visit = (context: VisitContext) => Promise<void>;

/** A stream over HTTP. @param survives false where an error answer would kill the client for good */
export function createStreamVisit(
  accept: string,
  createDecoder: () => Decoder,
  survives: boolean,
): Visit {
  return async ({ reader, url, notebook, findings, patienceMs, signal }) => {
    const target = new URL(url);
    const headers: Record<string, string> = { accept };
    // An EventSource shows it as a header, others as they like.
    if (notebook.cursor && survives) target.searchParams.set("last_event_id", notebook.cursor);
    else if (notebook.cursor) headers["last-event-id"] = notebook.cursor;
    const answer = await open({ url: target, headers, patienceMs, signal });
    const { statusCode = 0 } = answer;
    if (statusCode !== 200) {
      const refusal = await textOf(answer);
      if (!survives || statusCode < 500)
        findings.add("refused", reader, `${statusCode} to GET ${url.pathname}: ${refusal}`);
      return;
    }
    notebook.connected();
    const decode = createDecoder();
    answer.setEncoding("utf8");
    for await (const text of answer) {
      for (const frame of decode(text as string)) if (notebook.take(frame)) return;
    }
  };
}

interface Document {
  readonly events: readonly unknown[];
  readonly cursor: string;
}

/** One long poll: a document that comes whole or not at all, as soon as there is something. */
export const visitLongPoll: Visit = async (context) => {
  const { reader, url, notebook, findings, patienceMs, signal } = context;
  const target = new URL(url);
  if (notebook.cursor) target.searchParams.set("last_event_id", notebook.cursor);
  const answer = await open({ url: target, patienceMs, signal });
  const { statusCode = 0 } = answer;
  const text = await textOf(answer);
  if (statusCode === 200) {
    notebook.connected();
    const { events, cursor } = JSON.parse(text) as Document;
    for (const event of events) notebook.take(frameOf(event));
    notebook.take({ id: cursor, type: "live", topic: undefined, data: {} });
  } else if (statusCode < 500)
    findings.add("refused", reader, `${statusCode} to GET ${url.pathname}: ${text}`);
};

/** The console. */
export const visitConsole: Visit = async (context) => {
  const { reader, url, notebook, findings, patienceMs, signal } = context;
  const target = new URL(url);
  target.protocol = "ws:";
  if (notebook.cursor) target.searchParams.set("last_event_id", notebook.cursor);
  const socket = new WebSocket(target, { handshakeTimeout: patienceMs });
  const end = (): void => socket.terminate();
  const silence = setTimeout(end, patienceMs);
  signal.addEventListener("abort", end, { once: true });
  let misunderstood: unknown;
  socket.on("open", () => notebook.connected());
  for (const sign of ["message", "ping", "open"]) socket.on(sign, () => silence.refresh());
  socket.on("message", (data: Buffer) => {
    try {
      notebook.take(frameOf(JSON.parse(data.toString("utf8"))));
    } catch (error) {
      misunderstood = error;
      end();
    }
  });
  socket.on("unexpected-response", (_, { statusCode = 0 }) => {
    if (statusCode < 500) findings.add("refused", reader, `${statusCode} to ${url.pathname}`);
    end();
  });
  // An error is that of the connection, which closes after it.
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("close", resolve));
  clearTimeout(silence);
  signal.removeEventListener("abort", end);
  if (misunderstood) throw misunderstood;
};
