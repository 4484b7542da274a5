import { describe, expect, it } from "vitest";
import { Backoff, tryRetryAfter } from "../../src/agent/retry.ts";
import { judgeIngest, judgePublish } from "../../src/agent/verdict.ts";

function answer(status: number, text = "", headers: Record<string, string> = {}) {
  return { status, text, headers: new Headers(headers) };
}

function problem(code: string, retryable: boolean, extra: object = {}): string {
  return JSON.stringify({ code, detail: `It is ${code}.`, retryable, ...extra });
}

describe("the verdict on a batch", () => {
  it("accepts only an answer whose last line counts all lines", () => {
    expect(judgeIngest(answer(201, '{"lines":2,"id":"1-2"}\n{"lines":3,"id":"1-3"}\n'), 3)).toEqual(
      {
        kind: "accepted",
      },
    );
    for (const text of ['{"lines":2}\n', '{"lines":3}\n{"lin', "", "<html>Welcome</html>"])
      expect(judgeIngest(answer(201, text), 3).kind).toBe("retry");
    expect(judgeIngest(answer(200, '{"lines":3}\n'), 3).kind).toBe("retry");
  });

  it("goes by what the error in the last line says", () => {
    const last = (retryable: boolean): string =>
      `{"lines":1}\n{"lines":2,"error":{"code":"x","message":"Why.","line":3,"retryable":${retryable}}}\n`;
    expect(judgeIngest(answer(201, last(true)), 9)).toMatchObject({ kind: "retry", why: "Why." });
    expect(judgeIngest(answer(201, last(false)), 9)).toEqual({
      kind: "refused",
      why: "Why.",
      certain: true,
      lines: 2,
      line: 3,
    });
  });

  it("repeats what may pass, after the time that the server asks for", () => {
    for (const status of [408, 425, 429, 500, 502, 503, 504])
      expect(judgeIngest(answer(status, "busy", { "retry-after": "7" }), 3)).toEqual({
        kind: "retry",
        why: `it answered ${status}`,
        afterMs: 7_000,
      });
  });

  it("is sure of a refusal only where the service itself has said it", () => {
    const refused = judgeIngest(answer(413, problem("too-large", false, { lines: 4, line: 5 })), 9);
    expect(refused).toMatchObject({ kind: "refused", certain: true, lines: 4, line: 5 });
    for (const unsure of [
      answer(400, "Bad Request"),
      answer(404, "no Route matched with those values"),
      answer(301, "", { location: "https://elsewhere" }),
      answer(400, problem("invalid-body", false, { lines: 4 })),
    ])
      expect(judgeIngest(unsure, 9)).toMatchObject({ kind: "refused", certain: false });
  });
});

describe("the verdict on a status", () => {
  it("accepts a 201, and repeats or gives up like a batch", () => {
    expect(judgePublish(answer(201, "{}")).kind).toBe("accepted");
    expect(judgePublish(answer(503, problem("log-unavailable", true))).kind).toBe("retry");
    expect(judgePublish(answer(400, problem("invalid-parameter", false))).kind).toBe("refused");
  });
});

describe("the back-off", () => {
  it("doubles up to three seconds, with jitter, and never less than the server asks for", () => {
    const [low, high] = [new Backoff({ random: () => 0 }), new Backoff({ random: () => 1 })];
    expect(Array.from({ length: 7 }, () => low.next())).toEqual([
      50, 100, 200, 400, 800, 1_500, 1_500,
    ]);
    expect(Array.from({ length: 7 }, () => high.next())).toEqual([
      100, 200, 400, 800, 1_600, 3_000, 3_000,
    ]);
    expect(new Backoff({ random: () => 0 }).next(5_000)).toBe(5_050);
    expect(new Backoff({ random: () => 0 }).next(86_400_000)).toBe(60_050);
  });

  it("reads Retry-After as seconds or a date", () => {
    const now = Date.parse("2026-11-21T07:30:00Z");
    expect(tryRetryAfter("12", now)).toBe(12_000);
    expect(tryRetryAfter("Sat, 21 Nov 2026 07:30:05 GMT", now)).toBe(5_000);
    expect(tryRetryAfter("Sat, 21 Nov 2026 07:29:00 GMT", now)).toBe(0);
    expect(tryRetryAfter("soon", now)).toBeUndefined();
    expect(tryRetryAfter(null, now)).toBeUndefined();
  });
});
