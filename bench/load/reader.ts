import type { Surface } from "../subjects/subject.ts";
import { openSseReader } from "./sse-reader.ts";
import { openWebSocketReader } from "./websocket-reader.ts";

/** One client, as cheap as can be: of an event it reads the number, and parses nothing that it need not. */
export interface Reader {
  /** The id that came with word that it is live; empty where there was none. */
  readonly cursor: string;
  /** Told of the text of each piece; only samplers have it, because it costs. */
  onText: ((text: string) => void) | undefined;
  close(): void;
}

export interface ReaderRequest {
  readonly port: number;
  readonly surface: Surface;
  /** What it shows on its return. */
  readonly lastEventId?: string;
  /** Told of the number of each event that has come whole. */
  readonly onEvent: (number: number) => void;
}

/** Resolves with a reader who has been told that it is live. */
export function openReader(request: ReaderRequest): Promise<Reader> {
  return request.surface.protocol === "sse" ? openSseReader(request) : openWebSocketReader(request);
}
