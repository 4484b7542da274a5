import type { Event } from "../log/event.ts";
import type { ControlType } from "../wire/grammar.ts";

/** What ends a stream, as far as its bytes are concerned. */
export interface Closing {
  /** A CloseReason. */
  readonly reason: string;
  readonly reconnect: boolean;
  /** When to come back, in ms; undefined = not at all. */
  readonly retryMs: number | undefined;
  /** Where the client has got; undefined where that is not known yet. */
  readonly cursor?: string | undefined;
  /** Whether there is, or may come, something after it that the client has asked for. */
  readonly more?: boolean;
  /** Whether an event has been handed over that `fails`. */
  readonly failed?: boolean;
}

/**
 * PORT. How events become bytes: pure functions, so that equal input gives equal bytes on any process.
 * Every Buffer that is returned MUST be whole frames, whatever is in the data.
 */
export interface Format {
  readonly name: "sse" | "ndjson" | "text" | "json" | "websocket";
  readonly contentType: string;
  /** Whether ids on the wire are cursors (of a set of topics) or bare positions (the path names the topic). */
  readonly ids: "cursor" | "position";
  /** Whether a gap, once told, ends the stream: half an answer is none. */
  readonly endsAtGap?: boolean;
  /** Undefined where the format does not show this event. */
  event(event: Event, id: string): Buffer | undefined;
  /**
   * Puts together what adjacent events say, for a reader who comes late and need not see them one by one; each then
   * stands where the last of its parts stood. Undefined where the format knows of nothing to merge.
   */
  readonly merge?: (events: readonly Event[]) => readonly Event[];
  /** Whether the event is a failure for which the format has no words; `closing` is told of it. */
  readonly fails?: (event: Event) => boolean;
  /** What the stream itself has to say; undefined where the format has no words for it. */
  control(type: ControlType, data: object, id?: string): Buffer | undefined;
  /** Keeps idle timers from firing, and is nothing to the client's application. */
  readonly heartbeat: Buffer;
  /** The last words. Undefined where the format has none: then the stream is cut, as a clean end would say success. */
  closing(closing: Closing): Buffer | undefined;
}

/** Puts frames together for one write. */
export type Pack = (frames: readonly Buffer[]) => Buffer;

/** A format as a certain transport writes it; the key under which batches share what has been encoded. */
export interface Encoding {
  readonly format: Format;
  readonly pack: Pack;
}

const encodings = new WeakMap<Format, Map<Pack, Encoding>>();

/** Always the same object for the same pair. */
export function encodingOf(format: Format, pack: Pack): Encoding {
  let byPack = encodings.get(format);
  if (!byPack) encodings.set(format, (byPack = new Map()));
  let encoding = byPack.get(pack);
  if (!encoding) byPack.set(pack, (encoding = { format, pack }));
  return encoding;
}

export interface TransportListener {
  /** Everything written has left the process: the transport is writable again. */
  drained(): void;
  /** The client, or the transport itself, is gone. Once. */
  closed(): void;
}

/**
 * PORT. How bytes leave.
 *
 * `writable` MUST be false from a write that the kernel did not take whole until all of it has left; nobody but the last
 * words of a connection may be written meanwhile. So a connection never has more than one batch in this process.
 */
export interface Transport {
  /** The label in metrics and lists. */
  readonly kind: string;
  readonly encoding: Encoding;
  readonly writable: boolean;
  /** Since when it has not been writable for want of a drain, on the clock of `performance.now()`. */
  readonly blockedSince: number | undefined;
  /** Bytes written so far. */
  readonly bytes: number;
  listen(listener: TransportListener): void;
  /** Takes what `encoding.pack` has made. */
  write(packed: Buffer): void;
  /** Asks the peer for a sign of life, where the protocol can; false where the last question is still open. */
  ping?(): boolean;
  /** Says the last words and ends, within a bounded time. */
  close(closing: Closing): void;
  /** Ends at once, without a word. */
  destroy(): void;
}
