import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BATCH_MAX_BYTES, BATCH_MAX_LINES, type Batch } from "../../src/agent/spool.ts";
import { encodeRecord } from "../../src/agent/spool-file.ts";
import { logLineSchema } from "../../src/wire/publish.ts";
import { entries, entryOf, LogServer, SpoolBench, TIME, walk } from "../support/spool-fixture.ts";
import { verifies } from "../support/verifies.ts";

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      count: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("deliver" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("killed in delivery" as const), lines: fc.nat(12) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("killed" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("killed in add" as const),
      count: fc.integer({ min: 1, max: 12 }),
      cut: fc.nat(5_000),
    }),
  },
);

describe("the agent's spool", verifies("agent-spool"), () => {
  it("resumes exactly, wherever an agent is killed: each line once, in order, or said to be missing", () => {
    const property = fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(8_000, 100_000),
      (steps, maxBytes) => {
        using bench = new SpoolBench();
        const server = new LogServer();
        const tornEnds: number[] = [];
        let spool = bench.start({ maxBytes });
        let added = 0;
        const add = (count: number): void => {
          spool.add(entries(added + 1, count));
          added += count;
        };
        for (const act of steps) {
          if (act.do === "add") add(act.count);
          else if (act.do === "killed in add") {
            const before = bench.newest();
            add(act.count);
            const after = bench.newest()!;
            const written = after.bytes - (after.path === before?.path ? before.bytes : 0);
            if (written > 1) {
              // Of what was written last a part is there, and a part is not.
              bench.cutNewest(1 + (act.cut % (written - 1)));
              tornEnds.push(added);
            }
            spool = bench.start({ maxBytes });
          } else if (act.do === "killed") spool = bench.start({ maxBytes });
          else {
            const batch = spool.take();
            if (!batch) continue;
            server.take(batch, act.do === "deliver" ? undefined : act.lines);
            if (act.do === "deliver") spool.acknowledge();
            else spool = bench.start({ maxBytes });
          }
          expect(bench.bytes()).toBe(spool.bytes);
          expect(bench.bytes()).toBeLessThanOrEqual(maxBytes * 1.1);
        }
        add(1);
        server.takeAll(spool);
        expect(walk(server.log, tornEnds)).toBe(added + 1);
        expect(server.log.at(-1)!.message).toBe(`${added} `);
        expect(bench.files()).toEqual([]);
      },
    );
    fc.assert(property, {
      numRuns: 150,
      // Killed between a batch's header and its first lines.
      examples: [
        [
          [
            { do: "add", count: 1 },
            { do: "add", count: 7 },
            { do: "killed in add", count: 7, cut: 1883 },
          ],
          8_000,
        ],
      ],
    });
  });

  it("hands lines out in batches of bounded length and size, each under a key of its own", () => {
    using bench = new SpoolBench();
    const spool = bench.start();
    for (let n = 1; n <= 3_000; n += 60) spool.add(entries(n, 60, n > 1_500 ? 2_000 : 0));
    const batches: Batch[] = [];
    for (let batch = spool.take(); batch; batch = spool.take()) {
      expect(spool.take()!.key).toBe(batch.key);
      expect(spool.take()!.body.equals(batch.body)).toBe(true);
      batches.push(batch);
      spool.acknowledge();
    }
    expect(batches[0]!.lines).toBe(BATCH_MAX_LINES);
    for (const { body, lines } of batches) {
      expect(lines).toBeLessThanOrEqual(BATCH_MAX_LINES);
      expect(body.length).toBeLessThanOrEqual(BATCH_MAX_BYTES);
    }
    expect(new Set(batches.map(({ key }) => key)).size).toBe(batches.length);
    expect(spool.waitingLines).toEqual({ onDisk: 0, inMemory: 0 });
  });

  it("drops the oldest batches beyond its bound, and says so in one line in their place", () => {
    for (const disk of [true, false]) {
      using bench = new SpoolBench();
      const spool = bench.start({ disk, maxBytes: 20_000, memoryMaxBytes: 20_000 });
      spool.add(entries(1, 10));
      const head = spool.take()!;
      for (let n = 11; n <= 1_000; n++) spool.add([entryOf(n)]);
      expect(spool.bytes).toBeLessThanOrEqual(20_000);
      // The server may have it already.
      expect(spool.take()).toEqual(head);
      const server = new LogServer();
      server.takeAll(spool);
      expect(walk(server.log)).toBe(1_001);
      const words = server.log.filter(({ source }) => source === "agent");
      expect(words).toHaveLength(1);
      const { dropped } = words[0]!.fields as { dropped: number };
      expect(words[0]).toMatchObject({
        level: "warn",
        message: `${dropped} lines are missing here: the agent's spool was full while the server was away`,
        fields: { dropped, from: TIME, to: TIME, reason: "overflow" },
      });
      expect(words[0]!.fields!["bytes"]).toBeGreaterThan(dropped * 60);
      expect(spool.droppedLines).toBe(dropped);
      for (const line of server.log) expect(logLineSchema.safeParse(line).success).toBe(true);
    }
  });

  it("does not send again what it has said to be missing, though it was killed before that was removed", () => {
    using bench = new SpoolBench();
    const spool = bench.start({ maxBytes: 20_000 });
    for (let n = 1; n <= 100; n++) spool.add([entryOf(n)]);
    const kept = bench.files().map((path) => ({ path, bytes: readFileSync(path) }));
    for (let n = 101; n <= 400; n++) spool.add([entryOf(n)]);
    const now = new Set(bench.files());
    const removed = kept.filter(({ path }) => !now.has(path));
    expect(removed.length).toBeGreaterThan(1);
    for (const { path, bytes } of removed) writeFileSync(path, bytes);
    const server = new LogServer();
    server.takeAll(bench.start());
    expect(walk(server.log)).toBe(401);
  });

  it("loses of a refused line only that line, and of a refused batch only what is not in", () => {
    using bench = new SpoolBench();
    let spool = bench.start();
    const refusal = { kind: "refused", why: "No.", certain: true } as const;
    const server = new LogServer();
    spool.add(entries(1, 10));
    server.take(spool.take()!, 3);
    spool.refuse({ ...refusal, lines: 3, line: 5 });
    // What has become of the batch outlives the agent.
    spool = bench.start();
    server.take(spool.take()!, 4);
    // It refuses the word too: nobody asks it a third time.
    spool.refuse({ ...refusal, lines: 4, line: undefined });
    server.takeAll(spool);
    expect(server.log.map(({ message }) => message.trim())).toEqual([
      "1",
      "2",
      "3",
      "4",
      "1 line is missing here: the server refused them",
      "6",
      "7",
      "3 lines are missing here: the server refused them",
    ]);
    spool.add(entries(11, 1));
    spool.refuse({ ...refusal, lines: 0, line: undefined });
    spool.refuse({ ...refusal, lines: 0, line: 1 });
    expect(spool.isEmpty).toBe(true);
  });

  it("keeps lines in memory while the disk takes none, in order, and moves them back when it does", () => {
    using bench = new SpoolBench();
    const spool = bench.start();
    spool.add(entries(1, 5));
    rmSync(bench.directory, { recursive: true });
    writeFileSync(bench.directory, "in the way");
    spool.take();
    spool.add(entries(6, 5));
    spool.add(entries(11, 5));
    expect(bench.said).toHaveLength(2);
    expect(bench.said[0]).toMatch(/^5 lines are lost: ENOTDIR/);
    expect(bench.said[1]).toMatch(/^the spool cannot be written \(.*\): lines are kept in memory/);
    expect(spool.trouble).toMatch(/ENOTDIR|EEXIST/);
    expect(spool.waitingLines).toEqual({ onDisk: 0, inMemory: 10 });
    rmSync(bench.directory);
    spool.add(entries(16, 1));
    expect(spool.waitingLines.inMemory).toBe(11);
    bench.now += 2_000;
    spool.tend();
    expect(spool.waitingLines).toEqual({ onDisk: 11, inMemory: 0 });
    expect(bench.said[2]).toBe("the spool can be written again");
    expect(spool.trouble).toBeUndefined();
    // The next agent finds it all.
    const server = new LogServer();
    server.takeAll(bench.start());
    expect(walk(server.log)).toBe(17);
    expect(server.log[0]!.fields).toMatchObject({ dropped: 5, reason: "unreadable" });
  });

  it("bounds what is in memory while the disk takes none", () => {
    using bench = new SpoolBench();
    const spool = bench.start({ memoryMaxBytes: 10_000 });
    spool.add(entries(1, 5));
    spool.take();
    rmSync(bench.directory, { recursive: true });
    writeFileSync(bench.directory, "in the way");
    for (let n = 6; n <= 1_000; n++) spool.add([entryOf(n)]);
    expect(spool.bytes).toBeLessThan(12_000);
    rmSync(bench.directory);
    bench.now += 60_000;
    spool.add([entryOf(1_001)]);
    const server = new LogServer();
    server.takeAll(spool);
    expect(walk(server.log)).toBe(1_002);
  });

  it("says what was torn, cuts it, and says it once", () => {
    using bench = new SpoolBench();
    const first = bench.start();
    first.add(entries(1, 3));
    first.add(entries(4, 3));
    bench.cutNewest(1);
    bench.start();
    const server = new LogServer();
    server.takeAll(bench.start());
    expect(bench.said).toEqual([expect.stringMatching(/last \d+ bytes were torn/)]);
    expect(server.log.map(({ message }) => message.trim())).toEqual([
      "1",
      "2",
      "3",
      "some lines are missing here: the agent was stopped while it wrote them to its spool",
    ]);
    expect(server.log[3]!.fields).toMatchObject({ dropped: null, reason: "torn" });
  });

  it("leaves files of another format alone, and numbers its own after them", () => {
    using bench = new SpoolBench();
    bench.start().add(entries(1, 2));
    const [path] = bench.files();
    const foreign = `${bench.directory}/000000000500.batch`;
    copyFileSync(path!, foreign);
    const bytes = readFileSync(foreign);
    // A whole record whose version is another one: the checksum is made anew by writing through the format itself.
    writeFileSync(foreign, reversion(bytes));
    const spool = bench.start();
    spool.add(entries(3, 1));
    const server = new LogServer();
    server.takeAll(spool);
    expect(walk(server.log)).toBe(4);
    expect(bench.files()).toEqual([foreign]);
    expect(bench.said).toEqual([
      "batch 500 of the spool is left alone: its format is 2, and ours is 1",
    ]);
  });
});

function reversion(bytes: Buffer): Buffer {
  const headerBytes = bytes.readUInt32BE(0);
  const header = bytes.toString("utf8", 8, 8 + headerBytes);
  const record = encodeRecord(Buffer.from(header.replace('"version":1', '"version":2')));
  return Buffer.concat([record, bytes.subarray(8 + headerBytes)]);
}
