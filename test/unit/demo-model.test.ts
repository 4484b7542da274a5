import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DemoModel } from "../../src/chat/models/demo-model.ts";
import { ModelError } from "../../src/chat/models/model-error.ts";
import type { Model, ModelPart, ModelRequest } from "../../src/chat/models/model.ts";
import { withDeadlines } from "../../src/chat/models/with-deadlines.ts";
import { verifies } from "../support/verifies.ts";

const demo = new DemoModel(0);

async function answer(
  content: string,
  more: Partial<ModelRequest> = {},
  signal = new AbortController().signal,
  model: Model = demo,
): Promise<{ parts: ModelPart[]; error: unknown }> {
  const parts: ModelPart[] = [];
  const request = { messages: [{ role: "user", content } as const], maxTokens: 4_096, ...more };
  try {
    for await (const part of model.stream(request, signal)) parts.push(part);
  } catch (error) {
    return { parts, error };
  }
  return { parts, error: undefined };
}

const textOf = (parts: readonly ModelPart[], type: "text" | "reasoning" = "text") =>
  parts.map((part) => (part.type === type ? part.text : "")).join("");

describe("the demo model", () => {
  it("says any prompt back, a token for each word at least", verifies("demo-model"), async () => {
    const words = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(words, async (list) => {
        const prompt = list.join(" ");
        const { parts, error } = await answer(prompt);
        expect(error).toBeUndefined();
        expect(textOf(parts)).toBe(`You said: ${prompt}`);
        expect((await answer(prompt)).parts).toEqual(parts);
      }),
      { numRuns: 50 },
    );
    const { parts } = await answer("one two, three: four");
    expect(parts.filter(({ type }) => type === "text").length).toBeGreaterThanOrEqual(4);
    expect(parts.at(-1)).toEqual({
      type: "finish",
      reason: "stop",
      usage: { inputTokens: 4, outputTokens: 6 },
    });
  });

  it("has a token for whatever stands between white space", verifies("demo-model"), async () => {
    const tokensOf = async (prompt: string) => {
      const { parts } = await answer(prompt);
      const tokens = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
      expect(tokens.join("")).toBe(`You said: ${prompt}`);
      expect(parts.at(-1)).toMatchObject({ usage: { outputTokens: tokens.length } });
      return tokens.slice(2);
    };
    expect(await tokensOf("😀 😀 😀")).toEqual([": 😀", " 😀", " 😀"]);
    expect(await tokensOf("! ? one, ... two !")).toEqual([
      ": !",
      " ?",
      " one",
      ", ...",
      " two",
      " !",
    ]);
    expect(await tokensOf("你好, 世界 👩‍👩‍👧!")).toEqual([": 你好", ", 世界", " 👩‍👩‍👧!"]);
    expect(await tokensOf("— a\u202fb\n\n")).toEqual([": —", " a", "\u202fb", "\n\n"]);
    const piece = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }),
      fc.constantFrom("😀", "!", "...", "…", "你好", "ไทย", "1.5", "a\u202fb", "\u0301", "\u200d"),
    );
    const space = fc.constantFrom(" ", "  ", "\n", "\t", "\u00a0", "\u3000", "\u202f");
    const prompts = fc.array(fc.tuple(space, piece), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(prompts, async (list) => {
        const prompt = list.flat().join("");
        const words = prompt.split(/\s+/).filter((word) => word !== "");
        expect((await tokensOf(prompt)).length).toBeGreaterThanOrEqual(words.length);
      }),
      { numRuns: 50 },
    );
  });

  it("takes no ordinary prompt for a script", verifies("demo-model"), async () => {
    for (const prompt of [
      "demo: fail=model-failed",
      "#!demonstrate fail=model-failed",
      "#!/bin/sh\nfail",
      " #!demo fail=model-failed",
      "Explain\n#!demo fail=model-failed",
      "#demo fail=model-failed",
    ])
      expect(textOf((await answer(prompt)).parts)).toBe(`You said: ${prompt}`);
  });

  it(
    "plays a script, step by step, and then answers the rest",
    verifies("demo-model"),
    async () => {
      const { parts } = await answer("#!demo reason=3 tokens=2 delay=1ms stall=2ms\nHello there");
      expect(textOf(parts, "reasoning")).toBe("thought-1 thought-2 thought-3");
      expect(textOf(parts)).toBe("1 2You said: Hello there");
      expect(parts.map(({ type }) => type).slice(0, 4)).toEqual([
        "reasoning",
        "reasoning",
        "reasoning",
        "text",
      ]);
      expect(textOf((await answer("#!demo tokens=500")).parts).split(" ").length).toBe(500);
      expect((await answer("#!demo tokens=0")).parts).toMatchObject([
        { type: "finish", reason: "stop" },
      ]);
      const cut = await answer("#!demo tokens=500", { maxTokens: 3 });
      expect(textOf(cut.parts)).toBe("1 2 3");
      expect(cut.parts.at(-1)).toMatchObject({ reason: "length", usage: { outputTokens: 3 } });
      expect((await answer("#!demo tokens=1 finish=content-filter")).parts.at(-1)).toMatchObject({
        reason: "content-filter",
      });
    },
  );

  it("fails, breaks off and stalls as its script says", verifies("demo-model"), async () => {
    const failed = await answer("#!demo tokens=2 retry-after=3s fail=model-rate-limited\nx");
    expect(textOf(failed.parts)).toBe("1 2");
    expect(failed.error).toBeInstanceOf(ModelError);
    expect(failed.error).toMatchObject({ code: "model-rate-limited", retryAfterMs: 3_000 });
    const broken = await answer("#!demo tokens=2 break");
    expect(broken.parts.map(({ type }) => type)).toEqual(["text", "text"]);
    const stalled = answer("#!demo tokens=1 stall", {}, AbortSignal.timeout(20));
    expect(await stalled).toMatchObject({ parts: [{ text: "1" }], error: { name: "AbortError" } });
  });

  it("calls a tool with the prompt", verifies("demo-model"), async () => {
    const parameters = { type: "object" };
    const { parts } = await answer("#!demo tool\nRom", {
      tools: [{ name: "weather", parameters }],
    });
    expect(parts[0]).toEqual({
      type: "tool-input-start",
      toolCallId: "call-0",
      toolName: "weather",
    });
    const input = '{"prompt":"Rom"}';
    expect(parts.map((part) => (part.type === "tool-input-delta" ? part.text : "")).join("")).toBe(
      input,
    );
    expect(parts.slice(-2)).toMatchObject([
      { type: "tool-call", toolCallId: "call-0", toolName: "weather", input },
      { type: "finish", reason: "tool-calls" },
    ]);
    const two = await answer("#!demo tool=a tool=b");
    expect(two.parts.filter(({ type }) => type === "tool-call")).toMatchObject([
      { toolCallId: "call-0", toolName: "a" },
      { toolCallId: "call-1", toolName: "b" },
    ]);
    expect((await answer("#!demo tool")).error).toMatchObject({ code: "model-refused" });
  });

  it(
    "answers a script that it does not understand with what it knows",
    verifies("demo-model"),
    async () => {
      for (const word of [
        "fial=x",
        "fail=nonsense",
        "tokens",
        "tokens=-1",
        "stall=soon",
        "constructor",
      ]) {
        const { parts, error } = await answer(`#!demo tokens=1 ${word}`);
        expect(parts).toEqual([]);
        expect(error).toMatchObject({ code: "model-refused" });
        const { message } = error as Error;
        expect(message).toContain(JSON.stringify(word));
        for (const known of [
          "tokens=<count>",
          "reason[=<count>]",
          "stall[=<duration>]",
          "model-broken",
        ])
          expect(message).toContain(known);
      }
    },
  );
});

describe("a model with deadlines", () => {
  const deadlines = { firstTokenMs: 500, idleMs: 1_000 };
  const patient = withDeadlines(demo, deadlines);

  it(
    "that does not begin in time, or falls silent, is given up",
    verifies("model-deadlines"),
    async () => {
      const none = new AbortController().signal;
      const early = await answer("#!demo stall", {}, none, patient);
      expect(early).toMatchObject({ parts: [], error: { code: "model-first-token-timeout" } });
      const late = await answer("#!demo tokens=2 stall", {}, none, patient);
      expect(textOf(late.parts)).toBe("1 2");
      expect(late.error).toMatchObject({ code: "model-idle-timeout" });
    },
  );

  it(
    "is not given up while it goes on, and its own end stays its own",
    verifies("model-deadlines"),
    async () => {
      const steady = await answer("#!demo delay=50ms tokens=24", {}, undefined, patient);
      expect(steady).toMatchObject({ error: undefined });
      expect(steady.parts.length).toBe(25);
      const failed = await answer("#!demo tokens=1 fail=model-broken", {}, undefined, patient);
      expect(failed.error).toMatchObject({ code: "model-broken" });
      const stopped = await answer("#!demo tokens=1 stall", {}, AbortSignal.timeout(10), patient);
      expect(stopped.error).toMatchObject({ name: "AbortError" });
    },
  );

  it("is cancelled when a deadline passes", verifies("model-deadlines"), async () => {
    let cancelled = false;
    const deaf = withDeadlines(
      {
        name: "deaf",
        async *stream(_, signal) {
          yield { type: "text", text: "a" };
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
          cancelled = true;
          yield { type: "text", text: "too late" };
        },
      },
      deadlines,
    );
    const { parts, error } = await answer("x", {}, undefined, deaf);
    expect(cancelled).toBe(true);
    expect(textOf(parts)).toBe("a");
    expect(error).toMatchObject({ code: "model-idle-timeout" });
  });
});
