import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiskBatchStore } from "../../src/agent/disk-batch-store.ts";
import { type LogEntry, logEntries } from "../../src/agent/log-entry.ts";
import { type Batch, Spool } from "../../src/agent/spool.ts";
import type { LogLine } from "../../src/wire/publish.ts";

export const TIME = "2026-11-21T07:30:01.123Z";

export const entryOf = (n: number, padding = 0): LogEntry =>
  logEntries({ time: TIME, source: "stdout", message: `${n} ${"x".repeat(padding)}` })[0]!;

export function entries(from: number, count: number, padding = 0): LogEntry[] {
  return Array.from({ length: count }, (_, i) => entryOf(from + i, padding));
}

/** A directory of a spool, and the agents that have it one after another. */
export class SpoolBench implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "novastream-spool-"));
  readonly said: string[] = [];
  /** What the spool takes for the time, in ms. */
  now = 0;
  #runs = 0;

  /** The next agent: the one before it, if it has not closed its spool, has been killed. */
  start({ maxBytes = 16 * 1024 ** 2, memoryMaxBytes = 1024 ** 2, disk = true } = {}): Spool {
    return new Spool({
      name: "web-1",
      run: `run-${++this.#runs}`,
      disk: disk ? { store: new DiskBatchStore(this.directory), maxBytes } : undefined,
      memoryMaxBytes,
      say: (text) => void this.said.push(text),
      now: () => this.now,
    });
  }

  files(): string[] {
    return readdirSync(this.directory)
      .filter((name) => name.endsWith(".batch"))
      .sort()
      .map((name) => join(this.directory, name));
  }

  newest(): { path: string; bytes: number } | undefined {
    const path = this.files().at(-1);
    return path === undefined ? undefined : { path, bytes: statSync(path).size };
  }

  bytes(): number {
    return this.files().reduce((sum, path) => sum + statSync(path).size, 0);
  }

  cutNewest(bytes: number): void {
    const { path, bytes: size } = this.newest()!;
    truncateSync(path, size - bytes);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** What a service does with a batch: it skips what it has of its key, and does not compare. */
export class LogServer {
  readonly log: LogLine[] = [];
  readonly #done = new Map<string, number>();
  readonly #bodies = new Map<string, string>();

  /** @param lines how far it gets before it, or the connection, breaks */
  take({ key, body }: Batch, lines = Number.POSITIVE_INFINITY): void {
    const known = this.#bodies.get(key);
    if (known !== undefined && known !== body.toString())
      throw new Error(`${key} came with other bytes`);
    this.#bodies.set(key, body.toString());
    const all = body
      .toString()
      .trimEnd()
      .split("\n")
      .map((json) => JSON.parse(json) as LogLine);
    const done = this.#done.get(key) ?? 0;
    const end = Math.min(lines, all.length);
    this.log.push(...all.slice(done, end));
    this.#done.set(key, Math.max(done, end));
  }

  takeAll(spool: Spool): void {
    for (let batch = spool.take(); batch; batch = spool.take()) {
      this.take(batch);
      spool.acknowledge();
    }
  }
}

/**
 * Each number in its turn, or counted as missing just there.
 * @param tornEnds the last number of each loss of which nobody can say how many it were
 * @returns the next number
 */
export function walk(log: readonly LogLine[], tornEnds: readonly number[] = []): number {
  let next = 1;
  const ends = [...tornEnds];
  for (const line of log) {
    if (line.source === "agent") {
      const { dropped, reason } = line.fields as { dropped: number | null; reason: string };
      if ((dropped === null) !== (reason === "torn")) throw new Error(`${dropped} are ${reason}`);
      if (dropped !== null) next += dropped;
      else next = ends.shift()! + 1;
      continue;
    }
    const number = Number.parseInt(line.message, 10);
    if (number !== next) throw new Error(`${number} came instead of ${next}`);
    next++;
  }
  return next;
}
