import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LINE_MAX_BYTES, type Line, LineReader } from "../../src/agent/line-reader.ts";

function read(bytes: Buffer, cuts: readonly number[]): Line[] {
  const reader = new LineReader();
  const lines: Line[] = [];
  let start = 0;
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    lines.push(...reader.push(bytes.subarray(start, cut)));
    start = cut;
  }
  return [...lines, ...reader.end()];
}

const texts = (lines: readonly Line[]): string[] => lines.map(({ text }) => text);

describe("the agent's line reader", () => {
  it("finds the same lines however the bytes are cut into chunks", () => {
    const piece = fc.oneof(
      fc
        .constantFrom("\n", "\r\n", "\r", "é", "😀", "\u2028", "\0")
        .map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    );
    const property = fc.property(
      fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.concat(pieces)),
      fc.array(fc.nat(200), { maxLength: 20 }),
      (bytes, cuts) => {
        // What latin1 holds apart, UTF-8 decodes line by line: a reference that knows nothing of chunks.
        const lines = bytes.toString("latin1").split("\n");
        if (lines.at(-1) === "") lines.pop();
        const expected = lines.map((line) =>
          Buffer.from(line.replace(/\r$/, ""), "latin1").toString(),
        );
        const inside = cuts.map((cut) => Math.min(cut, bytes.length));
        expect(texts(read(bytes, inside))).toEqual(expected);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  it("keeps empty lines, and a last line without an end", () => {
    expect(texts(read(Buffer.from("\n\na\r\n\r\nb"), []))).toEqual(["", "", "a", "", "b"]);
    expect(read(Buffer.from(""), [])).toEqual([]);
  });

  it("cuts a line only beyond 64 KiB, and never inside a character", () => {
    const whole = "x".repeat(LINE_MAX_BYTES);
    expect(read(Buffer.from(`${whole}\n`), [])).toEqual([{ text: whole, partial: false }]);
    for (let shift = 0; shift < 4; shift++) {
      const text = "a".repeat(shift) + "😀".repeat(50_000);
      const lines = read(Buffer.from(`${text}\nnext`), [70_000, 150_001]);
      expect(texts(lines).slice(0, -1).join("")).toBe(text);
      expect(lines.map(({ partial }) => partial)).toEqual([true, true, true, false, false]);
      for (const line of lines)
        expect(Buffer.byteLength(line.text)).toBeLessThanOrEqual(LINE_MAX_BYTES);
    }
  });

  it("cuts rubbish without end too", () => {
    const lines = read(Buffer.alloc(3 * LINE_MAX_BYTES, 0x80), []);
    expect(texts(lines).join("")).toBe("\ufffd".repeat(3 * LINE_MAX_BYTES));
    expect(lines).toHaveLength(3);
  });
});
