import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnswerFold, failureOf } from "../../src/chat/answer.ts";
import { type Chunk, chunkDraft } from "../../src/chat/chunk.ts";
import { completionOf, createCompletionFormat } from "../../src/chat/projections/openai.ts";
import { createEvent, type Event } from "../../src/log/event.ts";
import { chatTopic } from "../../src/log/topic.ts";
import type { CompletionChunk } from "../../src/wire/openai.ts";
import { verifies } from "../support/verifies.ts";

const START: Chunk = { type: "start", messageId: "gen-1", model: "demo", owner: "ada" };
const finish = (finishReason: Extract<Chunk, { type: "finish" }>["finishReason"]): Chunk => ({
  type: "finish",
  finishReason,
  usage: { inputTokens: 2, outputTokens: 3 },
});
const text = (delta: string): Chunk => ({ type: "text-delta", id: "txt-0", delta });

/** What every answer frames its text with. */
const said = (...chunks: Chunk[]): Chunk[] => [
  START,
  { type: "start-step" },
  { type: "text-start", id: "txt-0" },
  ...chunks,
  { type: "text-end", id: "txt-0" },
  { type: "finish-step" },
];

function eventsOf(chunks: readonly Chunk[]): Event[] {
  return chunks.map((chunk, index) =>
    createEvent(
      chatTopic("gen-1"),
      { ms: 1_795_250_000_900 + index * 300, n: index + 1 },
      1_795_250_000_900,
      chunkDraft(chunk),
      chunk.type === "finish",
    ),
  );
}

function streamOf(chunks: readonly Chunk[], includeUsage = false): string {
  const format = createCompletionFormat({ includeUsage });
  const frames = eventsOf(chunks).map((event) => format.event(event, event.id));
  return Buffer.concat(frames.filter((frame) => frame !== undefined)).toString();
}

function answerOf(chunks: readonly Chunk[]) {
  const fold = new AnswerFold();
  for (const event of eventsOf(chunks)) fold.add(event);
  return fold.answer!;
}

/** The documents of a stream, as a client reads them. */
const documentsOf = (stream: string): unknown[] =>
  stream
    .split("\n\n")
    .map((frame) => /^data: (.*)$/m.exec(frame)?.[1])
    .filter((data) => data !== undefined && data !== "[DONE]")
    .map((data) => JSON.parse(data!) as unknown);
const deltasOf = (stream: string) =>
  (documentsOf(stream) as CompletionChunk[]).flatMap(({ choices }) =>
    choices.map(({ delta }) => delta),
  );

describe("the stream of a completion", () => {
  it("is these bytes, for an answer of text", verifies("openai-format"), () => {
    const head = `"id":"chatcmpl-gen-1","object":"chat.completion.chunk","created":1795250000,"model":"demo"`;
    expect(streamOf([...said(text("He"), text("llo\n\n")), finish("stop")])).toBe(
      `id: 1795250000900-1\n` +
        `data: {${head},"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}\n\n` +
        `id: 1795250001800-4\n` +
        `data: {${head},"choices":[{"index":0,"delta":{"content":"He"},"logprobs":null,"finish_reason":null}]}\n\n` +
        `id: 1795250002100-5\n` +
        `data: {${head},"choices":[{"index":0,"delta":{"content":"llo\\n\\n"},"logprobs":null,"finish_reason":null}]}\n\n` +
        `id: 1795250003000-8\n` +
        `data: {${head},"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n` +
        `data: [DONE]\n\n`,
    );
  });

  it(
    "tells the usage in a chunk of its own, where it is asked for",
    verifies("openai-format"),
    () => {
      const chunks = documentsOf(
        streamOf([...said(text("Hi")), finish("length")], true),
      ) as CompletionChunk[];
      expect(chunks.map(({ usage, choices }) => [usage, choices[0]?.finish_reason])).toEqual([
        [null, null],
        [null, null],
        [null, "length"],
        [{ prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 }, undefined],
      ]);
    },
  );

  it("gives reasoning and the calls of tools as deltas", verifies("openai-format"), () => {
    const call = (index: number) => ({ toolCallId: `call_${index}`, index });
    const stream = streamOf([
      START,
      { type: "reasoning-delta", id: "rsn-0", delta: "Hm." },
      { type: "tool-input-start", toolName: "weather", ...call(0) },
      { type: "tool-input-delta", inputTextDelta: '{"city":', ...call(0) },
      { type: "tool-input-start", toolName: "time", ...call(1) },
      { type: "tool-input-delta", inputTextDelta: '"Ulm"}', ...call(0) },
      {
        type: "tool-input-available",
        toolName: "weather",
        input: { city: "Ulm" },
        toolCallId: "call_0",
      },
      finish("tool-calls"),
    ]);
    expect(deltasOf(stream)).toEqual([
      { role: "assistant", content: "" },
      { reasoning_content: "Hm." },
      {
        tool_calls: [
          {
            index: 0,
            id: "call_0",
            type: "function",
            function: { name: "weather", arguments: "" },
          },
        ],
      },
      { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] },
      {
        tool_calls: [
          { index: 1, id: "call_1", type: "function", function: { name: "time", arguments: "" } },
        ],
      },
      { tool_calls: [{ index: 0, function: { arguments: '"Ulm"}' } }] },
      {},
    ]);
    expect(stream).toContain('"finish_reason":"tool_calls"');
  });

  it.each([
    ["stop", "stop"],
    ["length", "length"],
    ["tool-calls", "tool_calls"],
    ["content-filter", "content_filter"],
    ["stopped", "stop"],
  ] as const)("ends %s as %s", verifies("openai-format"), (reason, expected) => {
    const chunks: Chunk[] = [
      ...said(text("Hi")),
      { type: "stop" },
      { type: "abort" },
      finish(reason),
    ];
    expect(streamOf(chunks)).toMatch(
      new RegExp(`"finish_reason":"${expected}"}\\]}\n\ndata: \\[DONE\\]\n\n$`),
    );
    expect(completionOf(answerOf(chunks)).choices[0]!.finish_reason).toBe(expected);
  });

  it(
    "ends a failure with its error, and nothing that could be taken for an end",
    verifies("openai-format", "openai-errors"),
    () => {
      const failed = (code: string): Chunk[] => [
        ...said(text("Hi")),
        { type: "error", errorText: "No.", code, retryable: true, retryAfterMs: 1_500 },
        finish("error"),
      ];
      const last = (code: string) => documentsOf(streamOf(failed(code), true)).at(-1);
      expect(last("model-failed")).toEqual({
        error: { message: "No.", type: "server_error", param: null, code: "model-failed" },
      });
      expect(last("model-rate-limited")).toMatchObject({
        error: { type: "rate_limit_error", code: "rate_limit_exceeded" },
      });
      expect(last("of-a-newer-version")).toMatchObject({
        error: { message: "No.", type: "server_error", code: "internal" },
      });
      expect(streamOf(failed("model-failed"))).not.toMatch(/\[DONE\]|"finish_reason":"/);
      expect(failureOf(answerOf(failed("model-failed")))).toMatchObject({
        code: "model-failed",
        message: "No.",
        retryAfterMs: 1_500,
      });
    },
  );

  it("takes an answer that was given up for a failure", verifies("openai-errors"), () => {
    const chunks: Chunk[] = [...said(text("Hi")), { type: "abort" }, finish("abandoned")];
    expect(documentsOf(streamOf(chunks)).at(-1)).toMatchObject({ error: { code: "abandoned" } });
    expect(streamOf(chunks)).not.toContain("[DONE]");
    expect(failureOf(answerOf(chunks))).toMatchObject({ code: "abandoned", retryable: false });
  });

  it(
    "says so where the history is gone, and is cut unless it is finished",
    verifies("openai-errors"),
    () => {
      const format = createCompletionFormat({ includeUsage: false });
      expect(format.control("gap", {})!.toString()).toMatch(
        /^data: \{"error":.*"history-lost"\}\}\n\n$/,
      );
      expect(format.control("connected", {})).toBeUndefined();
      expect(format.endsAtGap).toBe(true);
      const end = (reason: string) => format.closing({ reason, reconnect: true, retryMs: 1 });
      expect([end("finished")?.length, end("drain"), end("max-age"), end("internal")]).toEqual([
        0,
        undefined,
        undefined,
        undefined,
      ]);
    },
  );
});

describe("the document of a completion", () => {
  it("is this, for an answer of text", verifies("openai-format"), () => {
    const answer = answerOf([...said(text("He"), text("llo")), finish("stop")]);
    expect(completionOf(answer)).toEqual({
      id: "chatcmpl-gen-1",
      object: "chat.completion",
      created: 1_795_250_000,
      model: "demo",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hello", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 },
    });
  });

  /** What a client puts together of a stream's deltas. */
  function assembled(stream: string) {
    const message = { content: "", reasoning: "", calls: [] as string[] };
    for (const { content, reasoning_content, tool_calls } of deltasOf(stream)) {
      message.content += content ?? "";
      message.reasoning += reasoning_content ?? "";
      for (const { index, id, function: called } of tool_calls ?? [])
        message.calls[index] =
          id === undefined ? message.calls[index] + called.arguments : `${id} ${called.name} `;
    }
    return message;
  }

  it("says the same as the stream, whatever was said", verifies("openai-format"), () => {
    const piece = fc.string({ unit: "binary", maxLength: 12 });
    const part = fc.oneof(
      piece.map((delta): Chunk[] => [text(delta)]),
      piece.map((delta): Chunk[] => [{ type: "reasoning-delta", id: "rsn-0", delta }]),
      fc.array(piece, { maxLength: 3 }).map((deltas): ((index: number) => Chunk[]) => (index) => {
        const call = { toolCallId: `call_${index}`, index };
        return [
          { type: "tool-input-start", toolName: "t", ...call },
          ...deltas.map((inputTextDelta): Chunk => ({
            type: "tool-input-delta",
            inputTextDelta,
            ...call,
          })),
        ];
      }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        let calls = 0;
        const chunks = parts.flatMap((made) => (typeof made === "function" ? made(calls++) : made));
        const all = [START, ...chunks, finish("stop")];
        const { message } = completionOf(answerOf(all)).choices[0]!;
        expect(assembled(streamOf(all))).toEqual({
          content: message.content ?? "",
          reasoning: message.reasoning_content ?? "",
          calls: (message.tool_calls ?? []).map(
            ({ id, function: { name, arguments: input } }) => `${id} ${name} ${input}`,
          ),
        });
      }),
    );
  });
});
