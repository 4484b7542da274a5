import { once } from "node:events";
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

/** The console. */
export const visitConsole: Visit = async ({ notebook, patienceMs, signal, url }) => {
  const target = new URL(url);
  target.protocol = "ws:";
  if (notebook.cursor) target.searchParams.set("last_event_id", notebook.cursor);
  const socket = new WebSocket(target, { handshakeTimeout: patienceMs });
  const onAbort = (): void => socket.terminate();
  signal.addEventListener("abort", onAbort, { once: true });
  const silence = setTimeout(() => socket.terminate(), patienceMs);
  socket.on("error", () => socket.terminate());
  socket.on("open", () => notebook.connected());
  for (const sign of ["message", "ping", "open"]) socket.on(sign, () => silence.refresh());
  socket.on("message", (data: Buffer) => notebook.take(frameOf(JSON.parse(data.toString("utf8")))));
  try {
    if (socket.readyState !== socket.CLOSED) await once(socket, "close");
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", onAbort);
  }
};
