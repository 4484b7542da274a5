import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openSpoolDirectory, openSpoolSlot } from "../../src/agent/spool-directory.ts";
import { LockedError, SpoolLock } from "../../src/agent/spool-lock.ts";
import { verifies } from "../support/verifies.ts";

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "novastream-lock-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

const lockOf = (directory: string): { pid: number } =>
  JSON.parse(readFileSync(join(directory, "lock"), "utf8")) as { pid: number };

describe("the lock of a spool's directory", verifies("agent-spool"), () => {
  it("is one agent's, until that lets it go", () => {
    const directory = makeDirectory();
    const lock = SpoolLock.acquire(directory);
    expect(() => SpoolLock.acquire(directory)).toThrow(LockedError);
    expect(() => SpoolLock.acquire(directory)).toThrow(
      `in use by the agent with the pid ${process.pid}`,
    );
    lock[Symbol.dispose]();
    expect(existsSync(join(directory, "lock"))).toBe(false);
    using again = SpoolLock.acquire(directory);
    void again;
  });

  it("is taken over from who has died, from an earlier process with the same number, and from rubbish", () => {
    const { pid: dead } = spawnSync("true");
    const left = [
      JSON.stringify({ pid: dead, host: hostname() }),
      JSON.stringify({ pid: process.pid, host: hostname(), start: "another boot-1" }),
      JSON.stringify({ pid: process.ppid, host: hostname(), start: "another boot-1" }),
      "",
      "{",
    ];
    for (const text of left) {
      const directory = makeDirectory();
      writeFileSync(join(directory, "lock"), text);
      // Of a process whose start nobody tells, only its number counts.
      if (process.platform !== "linux" && text.includes("start")) continue;
      using lock = SpoolLock.acquire(directory);
      void lock;
      expect(lockOf(directory).pid).toBe(process.pid);
    }
  });

  it("of another host is taken over once nobody has touched it for a minute", () => {
    const directory = makeDirectory();
    const path = join(directory, "lock");
    writeFileSync(path, JSON.stringify({ pid: 1, host: "elsewhere.example" }));
    expect(() => SpoolLock.acquire(directory)).toThrow(LockedError);
    const past = new Date(Date.now() - 61_000);
    utimesSync(path, past, past);
    using lock = SpoolLock.acquire(directory);
    void lock;
    expect(lockOf(directory).pid).toBe(process.pid);
  });

  it("leads agents that run beside one another to directories of their own, and a later one to the first", () => {
    const root = join(makeDirectory(), "a", "b");
    const first = openSpoolSlot(root);
    const second = openSpoolSlot(root);
    expect([first.directory, second.directory]).toEqual([join(root, "0"), join(root, "1")]);
    first.lock[Symbol.dispose]();
    using third = openSpoolSlot(root).lock;
    void third;
    second.lock[Symbol.dispose]();
    expect(lockOf(join(root, "0")).pid).toBe(process.pid);
    // What programs print may be secret.
    expect(statSync(join(root, "0")).mode & 0o777).toBe(0o700);
  });

  it("is not made in a directory of somebody else", () => {
    const root = makeDirectory();
    writeFileSync(join(root, "file"), "");
    expect(() => openSpoolDirectory(join(root, "file"))).toThrow(/EEXIST/);
    expect(() => openSpoolDirectory("/proc/1/spool")).toThrow(/ENOENT|EACCES|EPERM/);
  });
});
