import { createParser } from "eventsource-parser";
import type { Decoder, Frame } from "./frame.ts";

/** Server-Sent Events; with `envelope`, each event's data is `{topic, time, data}`. */
export function createSseDecoder(envelope: boolean): Decoder {
  let frames: Frame[] = [];
  const parser = createParser({
    onEvent: ({ id, event = "message", data }) => {
      const document = JSON.parse(data) as unknown;
      const wrapped = envelope && !CONTROLS.has(event) ? (document as Wrapped) : undefined;
      const [topic, inner] = wrapped ? [wrapped.topic, wrapped.data] : [undefined, document];
      frames.push({ id, type: event, topic, data: inner });
    },
  });
  return (text) => {
    parser.feed(text);
    const taken = frames;
    frames = [];
    return taken;
  };
}

interface Wrapped {
  readonly topic: string;
  readonly data: unknown;
}

/** What the streams say themselves. */
export const CONTROLS: ReadonlySet<string> = new Set([
  "connected",
  "live",
  "gap",
  "dropped",
  "heartbeat",
  "closed",
]);

export function createNdjsonDecoder(): Decoder {
  const lines = createLineDecoder();
  return (text) =>
    lines(text)
      .filter(Boolean)
      .map((line) => frameOf(JSON.parse(line)));
}

/** A document that is an event or a control, as NDJSON and WebSocket messages have it. */
export function frameOf(document: unknown): Frame {
  const { id, type, topic, data } = document as Frame;
  return { id, type, topic, data };
}

/** A log as people read it: remarks begin with `#`. */
export function createTextDecoder(): Decoder {
  const lines = createLineDecoder();
  return (text) =>
    lines(text)
      .filter(Boolean)
      .map((line) => {
        const gap = /^# (gap|dropped) (.*)$/.exec(line);
        if (gap)
          return { id: undefined, type: gap[1]!, topic: undefined, data: JSON.parse(gap[2]!) };
        if (line.startsWith("# "))
          return { id: undefined, type: "closed", topic: undefined, data: {} };
        return { id: undefined, type: "line", topic: undefined, data: line };
      });
}

function createLineDecoder(): (text: string) => string[] {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    return lines;
  };
}
