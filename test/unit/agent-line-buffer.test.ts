import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BATCH_MAX_BYTES, BATCH_MAX_LINES, LineBuffer } from "../../src/agent/line-buffer.ts";
import { ENTRY_MAX_BYTES, type LogEntry, logEntries } from "../../src/agent/log-entry.ts";
import { logLineSchema } from "../../src/wire/publish.ts";

const TIME = "2026-11-21T07:30:01.123Z";
const entryOf = (n: number, padding = 0): LogEntry =>
  logEntries({ text: `${n} ${"x".repeat(padding)}`, partial: false }, "stdout", TIME)[0]!;
const numberOf = ({ json }: LogEntry): number =>
  Number.parseInt((JSON.parse(json) as { message: string }).message, 10);

/** Walks what has left the buffer: each number in its turn, or counted as missing just there. @returns the next */
function walk(entries: readonly LogEntry[], start = 1): number {
  let next = start;
  for (const entry of entries) {
    if (entry.missing) next += entry.missing.count;
    else expect(numberOf(entry)).toBe(next++);
  }
  return next;
}

describe("the agent's line buffer", () => {
  it("hands lines out in order, in batches of bounded length and size", () => {
    const buffer = new LineBuffer(16 * 1024 ** 2);
    for (let n = 1; n <= 1_200; n++) buffer.add(entryOf(n, n > 600 ? 2_000 : 0));
    const batches: LogEntry[][] = [];
    while (buffer.length > 0) batches.push(buffer.take());
    expect(walk(batches.flat())).toBe(1_201);
    expect(batches[0]).toHaveLength(BATCH_MAX_LINES);
    for (const batch of batches) {
      expect(batch.length).toBeLessThanOrEqual(BATCH_MAX_LINES);
      const bytes = batch.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(bytes).toBeLessThanOrEqual(BATCH_MAX_BYTES);
    }
    expect(buffer.take()).toEqual([]);
    expect(buffer.lost).toBe(0);
  });

  it("accounts for each line whatever is added, taken, put back and refused", () => {
    const act = fc.oneof(
      fc.record({ do: fc.constant("add" as const), count: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ do: fc.constant("deliver" as const) }),
      fc.record({ do: fc.constant("put back" as const), from: fc.nat(20) }),
      fc.record({ do: fc.constant("drop" as const), from: fc.nat(20) }),
    );
    const property = fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const buffer = new LineBuffer(6_000);
      const delivered: LogEntry[] = [];
      let added = 0;
      for (const step of acts) {
        if (step.do === "add") {
          for (let i = 0; i < step.count; i++) buffer.add(entryOf(++added));
          continue;
        }
        const batch = buffer.take();
        const from = step.do === "deliver" ? batch.length : Math.min(step.from, batch.length);
        delivered.push(...batch.slice(0, from));
        if (step.do === "put back") buffer.putBack(batch.slice(from));
        if (step.do === "drop")
          for (const entry of batch.slice(from)) buffer.drop(entry, "refused");
        expect(buffer.entries().reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(
          6_000,
        );
      }
      buffer.add(entryOf(++added));
      while (buffer.length > 0) delivered.push(...buffer.take());
      expect(walk(delivered)).toBe(added + 1);
      expect(buffer.lost).toBe(added - delivered.filter(({ missing }) => !missing).length);
    });
    fc.assert(property, { numRuns: 300 });
  });

  it("says what is missing in words, and only once", () => {
    const buffer = new LineBuffer(1_000);
    for (let n = 1; n <= 20; n++) buffer.add(entryOf(n));
    const [first, ...rest] = buffer.take();
    expect(first!.missing).toEqual({ reason: "overflow", count: 20 - rest.length });
    expect(JSON.parse(first!.json)).toMatchObject({
      level: "warn",
      source: "agent",
      message: `${20 - rest.length} lines are missing here: the agent's buffer was full while the server was away`,
      fields: { missing: 20 - rest.length, reason: "overflow" },
    });
    buffer.add(entryOf(21));
    expect(buffer.take().map(({ missing }) => missing)).toEqual([undefined]);
  });
});

describe("the agent's log entries", () => {
  it("are what the server asks for", () => {
    const buffer = new LineBuffer(300);
    for (let n = 1; n <= 3; n++) buffer.add(entryOf(n));
    const partial = logEntries({ text: "\0é\u2028", partial: true }, "stderr", TIME);
    for (const { json, bytes } of [...buffer.take(), ...partial]) {
      expect(logLineSchema.safeParse(JSON.parse(json)).success).toBe(true);
      expect(Buffer.byteLength(`${json}\n`)).toBe(bytes);
    }
    expect(JSON.parse(partial[0]!.json)).toMatchObject({
      level: "error",
      fields: { partial: true },
    });
  });

  it("are cut where their JSON would be too large, between characters", () => {
    for (const text of ["\0".repeat(65_536), `a${"😀\0".repeat(16_000)}`]) {
      const entries = logEntries({ text, partial: false }, "stdout", TIME);
      expect(entries.length).toBeGreaterThan(1);
      const lines = entries.map(({ json }) => logLineSchema.parse(JSON.parse(json)));
      expect(lines.map(({ message }) => message).join("") === text).toBe(true);
      for (const { message } of lines)
        expect(Buffer.from(message).toString() === message).toBe(true);
      for (const { bytes } of entries) expect(bytes).toBeLessThanOrEqual(ENTRY_MAX_BYTES);
      expect(lines.map(({ fields }) => fields !== undefined)).toEqual(
        lines.map((_, index) => index < lines.length - 1),
      );
    }
  });
});
