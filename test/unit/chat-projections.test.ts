import { describe, expect, it } from "vitest";
import type { Chunk } from "../../src/chat/chunk.ts";
import { chatNdjsonFormat, chatSseFormat } from "../../src/chat/projections/ndjson.ts";
import { chatTextFormat } from "../../src/chat/projections/text.ts";
import { uiMessageFormat } from "../../src/chat/projections/ui-message.ts";
import type { Format } from "../../src/transports/transport.ts";
import {
  ABANDONED,
  eventsOf,
  FAILED,
  GENERATION,
  STOPPED,
  WHOLE,
} from "../support/generation-log.ts";
import { verifies } from "../support/verifies.ts";

const projected = (format: Format, chunks: readonly Chunk[]): string =>
  eventsOf(chunks)
    .map((event) => format.event(event, event.id)?.toString("utf8") ?? "")
    .join("");

/** Position `n` of the log above. */
const at = (n: number): string => `${1_700_000_000_000 + n - 1}-${n}`;
const sse = (n: number, data: string): string => `data: ${data}\nid: ${GENERATION}:${at(n)}\n\n`;
const DONE = "data: [DONE]\n\n";

describe("an answer as a UI message stream", () => {
  it(
    "has the chunks that every version of the AI SDK takes, and not a member more",
    verifies("ui-stream"),
    () => {
      expect(projected(uiMessageFormat, WHOLE)).toBe(
        [
          sse(1, `{"type":"start","messageId":"${GENERATION}"}`),
          sse(2, '{"type":"start-step"}'),
          sse(3, '{"type":"reasoning-start","id":"rsn-0"}'),
          sse(4, '{"type":"reasoning-delta","id":"rsn-0","delta":"hm, "}'),
          sse(5, '{"type":"reasoning-delta","id":"rsn-0","delta":"你好"}'),
          sse(6, '{"type":"reasoning-end","id":"rsn-0"}'),
          sse(7, '{"type":"text-start","id":"txt-1"}'),
          sse(8, '{"type":"text-delta","id":"txt-1","delta":"line\\nend \u2028 "}'),
          sse(10, '{"type":"text-delta","id":"txt-1","delta":"data: \\"x\\"\\r\\n\\n"}'),
          sse(11, '{"type":"text-end","id":"txt-1"}'),
          sse(12, '{"type":"tool-input-start","toolCallId":"call-1","toolName":"weather"}'),
          sse(
            13,
            '{"type":"tool-input-delta","toolCallId":"call-1","inputTextDelta":"{\\"city\\":"}',
          ),
          sse(
            14,
            '{"type":"tool-input-delta","toolCallId":"call-1","inputTextDelta":"\\"Ulm\\"}"}',
          ),
          sse(
            15,
            '{"type":"tool-input-available","toolCallId":"call-1","toolName":"weather","input":{"city":"Ulm"}}',
          ),
          sse(16, '{"type":"finish-step"}'),
          sse(17, '{"type":"finish"}'),
          DONE,
        ].join(""),
      );
    },
  );

  it(
    "ends with finish however it ends: abort without a reason, error with its text alone",
    verifies("ui-stream"),
    () => {
      const endOf = (chunks: readonly Chunk[]): string =>
        projected(uiMessageFormat, chunks).slice(
          projected(uiMessageFormat, chunks.slice(0, 6)).length - DONE.length,
        );
      expect(endOf(STOPPED)).toBe(
        [sse(7, '{"type":"abort"}'), sse(8, '{"type":"finish"}'), DONE].join(""),
      );
      expect(endOf(ABANDONED)).toBe(endOf(STOPPED));
      expect(endOf(FAILED)).toBe(
        [
          sse(7, '{"type":"error","errorText":"The model has reached a limit."}'),
          sse(8, '{"type":"finish"}'),
          DONE,
        ].join(""),
      );
    },
  );

  it("tells lost history as an error and an end, then is cut", verifies("ui-stream"), () => {
    expect(uiMessageFormat.control("gap", {})!.toString()).toBe(
      'data: {"type":"error","errorText":"The answer\'s history is gone. Please ask again."}\n\n' +
        'data: {"type":"finish"}\n\n',
    );
    expect(uiMessageFormat.closing({ reason: "internal", reconnect: true, retryMs: 1 })).toBe(
      undefined,
    );
  });

  it(
    "never has a named event, and its heartbeat is a comment without a blank line",
    verifies("ui-stream"),
    () => {
      for (const type of ["connected", "live", "dropped", "heartbeat", "closed"] as const)
        expect(uiMessageFormat.control(type, {})).toBeUndefined();
      expect(uiMessageFormat.heartbeat.toString()).toBe(":hb\n");
      expect(projected(uiMessageFormat, [...WHOLE, ...FAILED, ...STOPPED])).not.toMatch(/^event/m);
    },
  );

  it("skips what a newer process may write", verifies("ui-stream"), () => {
    const unheardOf = { type: "unheard-of", data: 1 } as unknown as Chunk;
    expect(projected(uiMessageFormat, [unheardOf, { type: "finish-step" }])).toBe(
      `${sse(2, '{"type":"finish-step"}')}${DONE}`,
    );
  });
});

describe("an answer in the plain formats", () => {
  const finish =
    '{"done":true,"finishReason":"tool-calls","usage":{"inputTokens":3,"outputTokens":7}}';

  it(
    "NDJSON: tokens with their positions, a final object, [DONE]",
    verifies("chat-formats"),
    () => {
      const line = (n: number, members: string): string => `{"id":"${at(n)}",${members.slice(1)}\n`;
      expect(projected(chatNdjsonFormat, WHOLE)).toBe(
        line(8, '{"token":"line\\nend \u2028 "}') +
          line(10, '{"token":"data: \\"x\\"\\r\\n\\n"}') +
          line(17, finish) +
          "[DONE]\n",
      );
      expect(projected(chatNdjsonFormat, FAILED)).toBe(
        line(4, '{"token":"so far"}') +
          line(
            7,
            '{"error":{"code":"model-rate-limited","message":"The model has reached a limit.","retryable":true,"retryAfterMs":7000}}',
          ) +
          line(
            8,
            '{"done":true,"finishReason":"error","usage":{"inputTokens":1,"outputTokens":2}}',
          ) +
          "[DONE]\n",
      );
      expect(projected(chatNdjsonFormat, ABANDONED)).toBe(
        line(4, '{"token":"so far"}') +
          line(
            8,
            '{"done":true,"finishReason":"abandoned","usage":{"inputTokens":1,"outputTokens":2}}',
          ) +
          "[DONE]\n",
      );
    },
  );

  it("SSE: the same, under ids that name their generation", verifies("chat-formats"), () => {
    expect(projected(chatSseFormat, WHOLE)).toBe(
      sse(8, '{"token":"line\\nend \u2028 "}') +
        sse(10, '{"token":"data: \\"x\\"\\r\\n\\n"}') +
        sse(17, finish) +
        DONE,
    );
    expect(projected(chatSseFormat, ABANDONED)).toBe(
      sse(4, '{"token":"so far"}') +
        sse(
          8,
          '{"done":true,"finishReason":"abandoned","usage":{"inputTokens":1,"outputTokens":2}}',
        ) +
        DONE,
    );
  });

  it("text: what has been said, and a cut where it failed", verifies("chat-formats"), () => {
    expect(projected(chatTextFormat, WHOLE)).toBe('line\nend \u2028 data: "x"\r\n\n');
    expect(projected(chatTextFormat, FAILED)).toBe("so far");
    const finished = { reason: "finished", reconnect: false, retryMs: undefined };
    expect(chatTextFormat.closing(finished)).toEqual(Buffer.alloc(0));
    expect(chatTextFormat.closing({ ...finished, failed: true })).toBeUndefined();
    expect(chatTextFormat.closing({ ...finished, reason: "drain" })).toBeUndefined();
    const failsAt = (chunks: readonly Chunk[]): number =>
      eventsOf(chunks).findIndex((event) => chatTextFormat.fails!(event));
    expect(failsAt(FAILED)).toBe(6);
    expect(failsAt(ABANDONED)).toBe(7);
    expect([failsAt(STOPPED), failsAt(WHOLE)]).toEqual([-1, -1]);
  });
});
