import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ProgramOutput } from "../../src/agent/program-output.ts";
import { verifies } from "../support/verifies.ts";

describe("a program's output", verifies("agent-flood"), () => {
  it("leaves a turn to others after each chunk, however fast they come", async () => {
    const CHUNKS = 50;
    const stream = Readable.from(Array.from({ length: CHUNKS }, (_, n) => Buffer.from(`${n}\n`)));
    const lines: string[] = [];
    await using output = new ProgramOutput(stream, {
      echo: undefined,
      onLines: (read) => void lines.push(...read.map(({ text }) => text)),
    });
    let turns = 0;
    while (lines.length < CHUNKS) {
      await turn();
      turns++;
    }
    await output.end(new AbortController().signal);
    expect(lines).toEqual(Array.from({ length: CHUNKS }, (_, n) => String(n)));
    expect(turns).toBeGreaterThanOrEqual(CHUNKS - 1);
  });
});
