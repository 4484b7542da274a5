import { describe, expect, it } from "vitest";
import type { Chunk } from "../../src/chat/chunk.ts";
import { AnswerChunks } from "../../src/chat/generation/answer-chunks.ts";
import type { ModelPart } from "../../src/chat/models/model.ts";
import { verifies } from "../support/verifies.ts";

type Said = Exclude<ModelPart, { type: "finish" }>;

function chunksOf(...parts: readonly Said[]): Chunk[] {
  const answer = new AnswerChunks();
  return [...parts.flatMap((part) => [...answer.of(part)]), ...answer.end()];
}

const text = (said: string): Said => ({ type: "text", text: said });
const reasoning = (said: string): Said => ({ type: "reasoning", text: said });
const call = (toolCallId: string, input: string): Said => ({
  type: "tool-call",
  toolCallId,
  toolName: "weather",
  input,
});

describe("an answer as chunks", () => {
  it(
    "opens and closes a block for each run of text or reasoning",
    verifies("answer-chunks"),
    () => {
      expect(
        chunksOf(reasoning("Hm"), reasoning("…"), text("A"), text("B"), reasoning("C")),
      ).toEqual([
        { type: "reasoning-start", id: "rsn-0" },
        { type: "reasoning-delta", id: "rsn-0", delta: "Hm" },
        { type: "reasoning-delta", id: "rsn-0", delta: "…" },
        { type: "reasoning-end", id: "rsn-0" },
        { type: "text-start", id: "txt-1" },
        { type: "text-delta", id: "txt-1", delta: "A" },
        { type: "text-delta", id: "txt-1", delta: "B" },
        { type: "text-end", id: "txt-1" },
        { type: "reasoning-start", id: "rsn-2" },
        { type: "reasoning-delta", id: "rsn-2", delta: "C" },
        { type: "reasoning-end", id: "rsn-2" },
      ]);
      expect(chunksOf()).toEqual([]);
    },
  );

  it(
    "numbers calls, with their input as it comes and as a value",
    verifies("answer-chunks"),
    () => {
      const begin = (toolCallId: string): Said => ({
        type: "tool-input-start",
        toolCallId,
        toolName: "weather",
      });
      const more = (toolCallId: string, said: string): Said => ({
        type: "tool-input-delta",
        toolCallId,
        text: said,
      });
      expect(
        chunksOf(
          text("See:"),
          begin("c1"),
          begin("c2"),
          more("c2", '{"city":'),
          more("c1", "{}"),
          more("c2", '"Rom"}'),
          call("c1", "{}"),
          call("c2", '{"city":"Rom"}'),
          text("!"),
        ),
      ).toEqual([
        { type: "text-start", id: "txt-0" },
        { type: "text-delta", id: "txt-0", delta: "See:" },
        { type: "text-end", id: "txt-0" },
        { type: "tool-input-start", toolCallId: "c1", toolName: "weather", index: 0 },
        { type: "tool-input-start", toolCallId: "c2", toolName: "weather", index: 1 },
        { type: "tool-input-delta", toolCallId: "c2", inputTextDelta: '{"city":', index: 1 },
        { type: "tool-input-delta", toolCallId: "c1", inputTextDelta: "{}", index: 0 },
        { type: "tool-input-delta", toolCallId: "c2", inputTextDelta: '"Rom"}', index: 1 },
        { type: "tool-input-available", toolCallId: "c1", toolName: "weather", input: {} },
        {
          type: "tool-input-available",
          toolCallId: "c2",
          toolName: "weather",
          input: { city: "Rom" },
        },
        { type: "text-start", id: "txt-1" },
        { type: "text-delta", id: "txt-1", delta: "!" },
        { type: "text-end", id: "txt-1" },
      ]);
    },
  );

  it(
    "gives a call that comes whole, or half, a start and all of its input",
    verifies("answer-chunks"),
    () => {
      const whole = [
        { type: "tool-input-start", toolCallId: "c1", toolName: "weather", index: 0 },
        { type: "tool-input-delta", toolCallId: "c1", inputTextDelta: "[1]", index: 0 },
        { type: "tool-input-available", toolCallId: "c1", toolName: "weather", input: [1] },
      ];
      expect(chunksOf(call("c1", "[1]"))).toEqual(whole);
      const begun = { type: "tool-input-start", toolCallId: "c1", toolName: "weather" } as const;
      expect(chunksOf(begun, call("c1", "[1]"))).toEqual(whole);
      const half = { type: "tool-input-delta", toolCallId: "c1", text: "[" } as const;
      expect(chunksOf(begun, half, call("c1", "[1]"))).toEqual([
        whole[0],
        { ...whole[1], inputTextDelta: "[" },
        { ...whole[1], inputTextDelta: "1]" },
        whole[2],
      ]);
    },
  );

  it("leaves input that is not JSON as text", verifies("answer-chunks"), () => {
    expect(chunksOf(call("c1", '{"city":')).at(-1)).toMatchObject({ input: '{"city":' });
    expect(chunksOf(call("c1", '"text"')).at(-1)).toMatchObject({ input: "text" });
  });

  it("refuses to go on with a call that was not begun", verifies("answer-chunks"), () => {
    const stray = { type: "tool-input-delta", toolCallId: "c9", text: "{" } as const;
    expect(() => chunksOf(stray)).toThrow(TypeError);
  });
});
