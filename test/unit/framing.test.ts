import fc from "fast-check";
import { createParser } from "eventsource-parser";
import { describe, expect, it } from "vitest";
import { chatNdjsonFormat, chatSseFormat } from "../../src/chat/projections/ndjson.ts";
import { createEvent } from "../../src/log/event.ts";
import { parseTopic } from "../../src/log/topic.ts";
import { createNdjsonFormat } from "../../src/transports/ndjson.ts";
import { createSseFormat } from "../../src/transports/sse.ts";
import { textMessage, websocketFormat } from "../../src/transports/websocket-format.ts";
import { logTextFormat } from "../../src/wukongs/log-text-format.ts";
import { verifies } from "../support/verifies.ts";

const sse = createSseFormat({ retryMs: 2_000, envelope: false });
const ndjson = createNdjsonFormat({ envelope: false });
const topic = parseTopic("logs:web-1");

/** Text that tries to break out: line ends of all kinds, field names, NUL, BOM, separators, emoji, whole frames. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\r",
        "\n",
        "\r\n",
        "\u0000",
        "\ufeff",
        "\u2028",
        "\u2029",
        "\u0085",
        "\u001b[2J",
        "👩‍👩‍👧",
        "é",
        ":",
        "data: ",
        "id: 7",
        "event: closed",
        "retry: 1",
        "\n\n",
        '"}',
        "\\",
        "[DONE]",
      ),
      fc.string({ unit: "binary", maxLength: 20 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));
const long = fc.nat(70_000).map((length) => "x".repeat(length));
const text = fc.oneof({ weight: 9, arbitrary: hostile }, { weight: 1, arbitrary: long });
const type = fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/);

const eventOf = (n: number, eventType: string, data: unknown, last = false) =>
  createEvent(
    topic,
    { ms: 1_700_000_000_000, n },
    1_700_000_000_000,
    { type: eventType, data: JSON.stringify(data) },
    last,
  );

/** Parses a byte stream in two pieces, cut anywhere, as a client that sees it arrive. */
function parseSse(
  bytes: Buffer,
  cut = 0,
): { id: string | undefined; event: string | undefined; data: string }[] {
  const messages: { id: string | undefined; event: string | undefined; data: string }[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => messages.push({ id, event, data }),
  });
  const decoder = new TextDecoder("utf-8");
  parser.feed(decoder.decode(bytes.subarray(0, cut), { stream: true }));
  parser.feed(decoder.decode(bytes.subarray(cut)));
  return messages;
}

describe("no data, event name or log line can inject or break a frame", () => {
  it(
    "in SSE: each event is one message with its own type, id and data",
    verifies("framing"),
    () => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(type, text), { minLength: 1, maxLength: 5 }),
          fc.nat(),
          (events, at) => {
            const frames = events.map(([name, data], n) =>
              sse.event(eventOf(n, name, data), `x1.17-${n}`)!,
            );
            const bytes = Buffer.concat([sse.heartbeat, ...frames, sse.heartbeat]);
            const messages = parseSse(bytes, at % (bytes.length + 1));
            expect(messages).toEqual(
              events.map(([name, data], n) => ({
                id: `x1.17-${n}`,
                event: name,
                data: JSON.stringify(data),
              })),
            );
          },
        ),
      );
    },
  );

  it("in SSE, even where the log holds JSON text over several lines", verifies("framing"), () => {
    const event = createEvent(
      topic,
      { ms: 1, n: 1 },
      1,
      { type: "log", data: '{\r\n"a":\r1,\n\n"b":2}' },
      false,
    );
    const [message, ...more] = parseSse(sse.event(event, "x1.1-1")!);
    expect(more).toEqual([]);
    expect(JSON.parse(message!.data)).toEqual({ a: 1, b: 2 });
  });

  it("in NDJSON: each event is one line", verifies("framing"), () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(type, text), { minLength: 1, maxLength: 5 }), (events) => {
        const bytes = Buffer.concat(
          events.map(([name, data], n) => ndjson.event(eventOf(n, name, data), `x1.17-${n}`)!),
        );
        const lines = bytes.toString("utf8").split("\n");
        expect(lines.pop()).toBe("");
        expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
          events.map(([name, data], n) => ({
            id: `x1.17-${n}`,
            type: name,
            time: 1_700_000_000_000,
            data: JSON.parse(JSON.stringify(data)) as unknown,
          })),
        );
      }),
    );
  });

  it(
    "in text: each log line is one line, and no control character reaches the terminal",
    verifies("framing"),
    () => {
      fc.assert(
        fc.property(text, fc.option(text, { nil: undefined }), (message, source) => {
          const frame = logTextFormat
            .event(eventOf(1, "log", { message, source }), "")!
            .toString("utf8");
          expect(frame.indexOf("\n")).toBe(frame.length - 1);
          expect(frame.slice(0, -1)).not.toMatch(
            /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/,
          );
        }),
      );
    },
  );

  it(
    "in WebSocket messages: the frame's length is that of its JSON, at every size of header",
    verifies("framing"),
    () => {
      const lengths = fc.oneof(fc.nat(300), fc.integer({ min: 65_400, max: 65_700 }));
      fc.assert(
        fc.property(text, lengths, (data, padding) => {
          const frame = websocketFormat.event(
            eventOf(1, "log", data + "p".repeat(padding)),
            "x1.17-1",
          )!;
          const short = frame[1]! & 0x7f;
          const [length, header] =
            short < 126
              ? [short, 2]
              : short === 126
                ? [frame.readUInt16BE(2), 4]
                : [Number(frame.readBigUInt64BE(2)), 10];
          expect(frame[0]).toBe(0x81);
          expect(frame.length).toBe(header + length);
          expect(
            (JSON.parse(frame.subarray(header).toString("utf8")) as { data: unknown }).data,
          ).toEqual(JSON.parse(JSON.stringify(data + "p".repeat(padding))));
        }),
      );
      expect(textMessage("é")).toHaveLength(4);
    },
  );

  it("in chat answers, NDJSON and SSE", verifies("framing"), () => {
    fc.assert(
      fc.property(text, (delta) => {
        const event = eventOf(2, "text-delta", { type: "text-delta", id: "txt-0", delta });
        const line = chatNdjsonFormat.event(event, "17-2")!.toString("utf8");
        expect(line.indexOf("\n")).toBe(line.length - 1);
        expect(JSON.parse(line)).toEqual({
          id: "17-2",
          token: JSON.parse(JSON.stringify(delta)) as string,
        });
        const [message, ...more] = parseSse(chatSseFormat.event(event, "17-2")!);
        expect(more).toEqual([]);
        expect(JSON.parse(message!.data)).toEqual({
          token: JSON.parse(JSON.stringify(delta)) as string,
        });
      }),
    );
  });
});

describe("any cut of the byte stream", () => {
  it(
    "re-parses to a prefix of its events: a cut frame is as if it had never been",
    verifies("framing"),
    () => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(type, hostile), { minLength: 1, maxLength: 4 }),
          fc.nat(),
          (events, at) => {
            const whole = Buffer.concat(
              events.map(([name, data], n) => sse.event(eventOf(n, name, data), `x1.17-${n}`)!),
            );
            const cut = at % (whole.length + 1);
            const messages = parseSse(whole.subarray(0, cut));
            expect(messages).toEqual(parseSse(whole).slice(0, messages.length));
            const lines = Buffer.concat(
              events.map(([name, data], n) => ndjson.event(eventOf(n, name, data), `x1.17-${n}`)!),
            );
            const end = lines.subarray(0, at % (lines.length + 1)).lastIndexOf("\n");
            const complete = lines.subarray(0, end + 1).toString("utf8");
            expect(lines.toString("utf8").startsWith(complete)).toBe(true);
            for (const line of complete.split("\n").slice(0, -1)) JSON.parse(line);
          },
        ),
      );
    },
  );
});
