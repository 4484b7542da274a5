import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CLOSE_REASONS,
  adviseRetryMs,
  type CloseReason,
} from "../../src/connections/close-reason.ts";
import { cursorPrefix, formatCursor, tryCursor } from "../../src/hub/cursor.ts";
import { formatPosition, tryPosition } from "../../src/log/position.ts";
import { kindOf, parseTopic, tryTopic } from "../../src/log/topic.ts";
import { tryMoment } from "../../src/wire/stream-query.ts";
import { LineSplitter } from "../../src/wukongs/line-splitter.ts";

describe("a topic", () => {
  it("is one of the grammar, and nothing else is", () => {
    const good = [
      "status:web-1",
      "logs:a",
      "app:a.b_c-d",
      "command:gen-1",
      "notifications:all",
      "notifications:user:Ada@example.com",
      "notifications:channel:deploys",
      `app:${"a".repeat(63)}`,
    ];
    const bad = [
      "",
      "status",
      "status:",
      "status:Web",
      "status:a/b",
      "status:%41",
      "status:-a",
      "status:a-",
      "app:a b",
      "other:a",
      "notifications:everyone",
      "notifications:user:",
      "app:{a}",
      "app:a\n",
      `app:${"a".repeat(64)}`,
      `logs:${"a".repeat(300)}`,
    ];
    for (const text of good) expect(tryTopic(text), text).toBe(text);
    for (const text of bad) expect(tryTopic(text), text).toBeUndefined();
    expect(kindOf(parseTopic("notifications:user:ada"))).toBe("notifications");
    expect(() => parseTopic("nonsense")).toThrow(
      expect.objectContaining({ code: "invalid-parameter", field: "topic" }) as Error,
    );
  });
});

describe("a position and a cursor", () => {
  const position = fc.record({ ms: fc.nat(2 ** 45), n: fc.nat(2 ** 31) });
  it("read back as they were written, whatever the order in which the topics are named", () => {
    const [a, b, c] = [parseTopic("app:a"), parseTopic("logs:b"), parseTopic("status:c")];
    fc.assert(
      fc.property(position, position, position, (x, y, z) => {
        expect(tryPosition(formatPosition(x))).toEqual(x);
        const cursor = formatCursor(
          new Map([
            [c, z],
            [a, x],
            [b, y],
          ]),
        );
        expect(cursor).toMatch(/^x[0-9a-z]+\.[0-9,-]+$/);
        expect(tryCursor(cursor, [b, c, a])).toEqual(
          new Map([
            [a, x],
            [b, y],
            [c, z],
          ]),
        );
        expect(tryCursor(cursor, [a, b])).toBeUndefined();
      }),
    );
    expect(tryCursor("17-2", [a])).toEqual(new Map([[a, { ms: 17, n: 2 }]]));
    expect(tryCursor("17-2", [a, b])).toBeUndefined();
  });

  it("that are garbage are nothing, and never throw", () => {
    const topics = [parseTopic("app:a")];
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void tryCursor(text, topics)));
    for (const text of [
      "",
      "x.",
      "1-",
      "-1",
      "1-1-1",
      `${cursorPrefix(topics)}1-1,2-2`,
      `${cursorPrefix(topics)}9999999999999999-1`,
    ]) {
      expect(tryCursor(text, topics), text).toBeUndefined();
    }
  });
});

describe("a moment", () => {
  it("is RFC 3339, epoch ms or an age, and nothing else", () => {
    const now = Date.parse("2026-11-21T12:00:00Z");
    expect(tryMoment("2026-11-21T11:00:00Z", now)).toBe(now - 3_600_000);
    expect(tryMoment("2026-11-21T13:00:00.5+01:00", now)).toBe(now + 500);
    expect(tryMoment(String(now), now)).toBe(now);
    for (const [age, ms] of [
      ["90s", 90_000],
      ["15m", 900_000],
      ["2h", 7_200_000],
      ["1d", 86_400_000],
    ] as const)
      expect(tryMoment(age, now)).toBe(now - ms);
    for (const text of ["yesterday", "", "15", "-5m", "2026-11-21", "2026-13-41T99:00:00Z", "5 m"])
      expect(tryMoment(text, now), text).toBeUndefined();
  });
});

describe("a close reason", () => {
  it("advises a jittered return exactly where a return makes sense", () => {
    for (const [reason, { reconnect }] of Object.entries(CLOSE_REASONS)) {
      const advised = Array.from({ length: 20 }, () =>
        adviseRetryMs(reason as CloseReason, 30_000),
      );
      expect(
        advised.every((ms) => (ms !== undefined) === reconnect),
        reason,
      ).toBe(true);
      if (reconnect) expect(new Set(advised).size).toBeGreaterThan(5);
    }
  });
});

describe("a line splitter", () => {
  it("gives the same lines however the bytes are cut, and holds no more than a line", () => {
    const text = fc
      .array(fc.constantFrom("a", "é", "😀", "\n", "\r\n", "long enough to matter"), {
        maxLength: 30,
      })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, fc.array(fc.nat(40), { maxLength: 20 }), (whole, cuts) => {
        const bytes = Buffer.from(whole);
        const splitter = new LineSplitter(1_000);
        const lines: string[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const end = Math.min(bytes.length, at + cut);
          lines.push(...splitter.push(bytes.subarray(at, end)).map(String));
          at = end;
        }
        const rest = splitter.end();
        if (rest) lines.push(String(rest));
        const expected = whole.split("\n");
        if (expected.at(-1) === "") expected.pop();
        expect(lines).toEqual(expected.map((line) => line.replace(/\r$/, "")));
      }),
    );
    const small = new LineSplitter(10);
    small.push(Buffer.from("fine\n123456"));
    expect(small.push(Buffer.from("78901"))).toEqual([]);
    expect(() => small.check()).toThrow(
      expect.objectContaining({ code: "too-large", extra: { line: 2 } }) as Error,
    );
  });
});
