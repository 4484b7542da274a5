import { describe, expect, it, onTestFinished, vi } from "vitest";
import { tryJsonLine } from "../../src/agent/json-line.ts";
import { tryLevel, tryTextLevel } from "../../src/agent/level.ts";
import { LINE_MAX_BYTES, type Line } from "../../src/agent/line-reader.ts";
import { ENTRY_MAX_BYTES, type LogEntry, logEntries } from "../../src/agent/log-entry.ts";
import {
  type Continues,
  continuesByIndent,
  continuesByPattern,
  GROUP_MAX_LINES,
  GROUP_MAX_MS,
  LineGrouper,
  MATCHED_MAX_CHARS,
  QUIET_MS,
} from "../../src/agent/multiline.ts";
import { ProgramLines } from "../../src/agent/program-lines.ts";
import { JSON_MAX_DEPTH, tryDepthProblem } from "../../src/wire/depth.ts";
import { type LogLine, logLineSchema } from "../../src/wire/publish.ts";
import { verifies } from "../support/verifies.ts";

const whole = (text: string): Line => ({ text, partial: false });

describe("the level of a line", verifies("agent-lines"), () => {
  it("is what it begins with, as loggers write it", () => {
    const lines: Record<string, readonly string[]> = {
      fatal: [
        "FATAL: out of memory",
        "panic: runtime error",
        "<0>gone",
        "F0102 15:04:05.678 x.go:1] x",
      ],
      error: [
        "[ERROR] no",
        "[error] no",
        "ERROR no",
        "ERROR",
        "Error: no",
        "error: expected ;",
        "E0102 15:04:05.678901   1 main.go:42] no",
        "<3>no",
        "<11>no",
        "level=error msg=no",
        'time="2026-11-21T07:30:01Z" level=error msg=no',
        "2026-11-21T07:30:01.123Z ERROR no",
        "[2026-11-21 07:30:01] ERROR no",
        "2026-11-21 07:30:01,123 - app.db - ERROR - no",
        "07:30:01.123 [main] ERROR com.example.App - no",
        "2026/11/21 07:30:01 [error] 12#12: no",
        "2026-11-21 07:30:01.123 UTC [123] ERROR:  no",
        "ERROR:root:no",
      ],
      warn: [
        "WARN: soon",
        "[Warning] soon",
        "warning: unused",
        "W0102 15:04:05.678 x.go:1] x",
        "lvl=WARN x=1",
        "<4>x",
      ],
      info: ["INFO up", "[notice] up", "INFO:     Started server process", "<6>up"],
      debug: ["DEBUG x", "<7>x", "severity=debug x"],
      trace: ["TRACE x", "[VERBOSE] x"],
    };
    for (const [level, texts] of Object.entries(lines))
      for (const text of texts) expect([text, tryTextLevel(text)]).toEqual([text, level]);
  });

  it("is nothing where a line only speaks of one", () => {
    const lines = [
      "",
      "GET /api 200",
      "no error",
      "Info about errors",
      "INFORM them",
      "errors: 0",
      "[main] ready",
      "the level=error of it",
      "constructor: x",
      "12345678",
      "<999999>",
      `${"x".repeat(300)} ERROR`,
    ];
    for (const text of lines) expect([text, tryTextLevel(text)]).toEqual([text, undefined]);
  });

  it("takes loggers' words and numbers, and no others", () => {
    expect([10, 20, 30, 35, 40, 50, 60, 70].map(tryLevel)).toEqual([
      "trace",
      "debug",
      "info",
      "info",
      "warn",
      "error",
      "fatal",
      "fatal",
    ]);
    expect([3, "3", "30", "Warning", "CRITICAL"].map(tryLevel)).toEqual([
      "error",
      "error",
      "info",
      "warn",
      "fatal",
    ]);
    for (const value of ["loud", "", "constructor", "__proto__", null, {}, true, -1, Number.NaN])
      expect(tryLevel(value)).toBeUndefined();
  });
});

describe("a logger's JSON", verifies("agent-lines"), () => {
  it("is told apart into message, level, time and fields", () => {
    const time = "2026-11-21T07:30:01.123Z";
    const ms = Date.parse(time);
    const pid = { pid: 7 };
    const cases: [object, object][] = [
      [
        { level: 40, time: ms, pid: 7, msg: "pino" },
        { message: "pino", level: "warn", time, fields: pid },
      ],
      [
        { level: "info", ts: ms / 1e3, msg: "zap" },
        { message: "zap", level: "info", time },
      ],
      [
        { time: "2026-11-21T08:30:01.123456789+01:00", level: "ERROR", msg: "slog" },
        { level: "error", time },
      ],
      [
        { "@timestamp": time, "log.level": "debug", message: "ecs" },
        { message: "ecs", level: "debug", time },
      ],
      [
        { severity: "WARNING", message: "cloud" },
        { level: "warn", time: undefined },
      ],
      [
        { time: ms * 1e6, message: "nanoseconds" },
        { level: undefined, time },
      ],
      [
        { short_message: "gelf", level: 3 },
        { message: "gelf", level: "error" },
      ],
      // What we do not understand of it stays with its fields.
      [
        { msg: "x", level: "loud", time: "soon", ts: ms },
        { time, fields: { level: "loud", time: "soon" } },
      ],
      [
        { msg: "x", level: 30, time: 0 },
        { time: undefined, fields: { time: 0 } },
      ],
    ];
    for (const [document, expected] of cases)
      expect(tryJsonLine(JSON.stringify(document))).toMatchObject(expected);
  });

  it("is any other text where it has no message, or neither level nor time", () => {
    for (const text of [
      '{"a":1}',
      '{"msg":"x"}',
      '{"msg":1,"level":30}',
      "{}",
      "{",
      "[1]",
      '"x"',
      "{x}",
    ])
      expect([text, tryJsonLine(text)]).toEqual([text, undefined]);
  });
});

function group(continues: Continues, texts: readonly string[]): string[] {
  const groups: string[] = [];
  using grouper = new LineGrouper(continues, (lines) => {
    for (const { text } of lines) groups.push(text);
  });
  grouper.push(texts.map(whole));
  grouper.flush();
  return groups;
}

const TRACES: Record<string, string> = {
  java: `Exception in thread "main" java.lang.IllegalStateException: no
	at com.example.App.run(App.java:10)
	at com.example.App.main(App.java:5)
	Suppressed: java.io.IOException: close
		at com.example.App.close(App.java:20)
Caused by: java.io.IOException: gone
	at com.example.Disk.read(Disk.java:3)
	... 2 more`,
  python: `Traceback (most recent call last):
  File "app.py", line 3, in <module>
    run()
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "app.py", line 5, in <module>
    fail()
ValueError: no`,
  node: `Error: connect ECONNREFUSED 127.0.0.1:1
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1595:16) {
  errno: -111,
  code: 'ECONNREFUSED'
}`,
};

describe("lines that belong together", verifies("agent-lines"), () => {
  it("are the stack traces of java, python and node, and what stands around them is not", () => {
    for (const [language, trace] of Object.entries(TRACES)) {
      const lines = ["before", ...trace.split("\n"), "after", "the end"];
      expect([language, ...group(continuesByIndent, lines)]).toEqual([
        language,
        "before",
        trace,
        "after",
        "the end",
      ]);
    }
  });

  it("are those that a pattern matches, which sees no more than a line's start", () => {
    const dated = continuesByPattern(/^(?!\d{4}-)/u);
    expect(group(dated, ["2026-01-01 a", "b", "", "2026-01-02 c"])).toEqual([
      "2026-01-01 a\nb\n",
      "2026-01-02 c",
    ]);
    const seen: number[] = [];
    const spy: Continues = (line) => seen.push(line.length) > 0;
    group(spy, ["a", "x".repeat(50_000)]);
    expect(seen).toEqual([MATCHED_MAX_CHARS]);
  });

  it("are bounded in lines and bytes, and what is cut says that it goes on", () => {
    const every: Continues = () => true;
    for (const [count, text] of [
      [1_200, " x"],
      [10, " ".repeat(20_000)],
    ] as const) {
      const groups: Line[] = [];
      using grouper = new LineGrouper(every, (lines) => void groups.push(...lines));
      const texts = Array.from({ length: count }, () => text);
      grouper.push(texts.map(whole));
      grouper.flush();
      expect(groups.flatMap(({ text }) => text.split("\n"))).toEqual(texts);
      expect(groups.length).toBeGreaterThan(1);
      expect(groups.map(({ partial }) => partial)).toEqual(
        groups.map((_, i) => i < groups.length - 1),
      );
      for (const { text } of groups) {
        expect(text.split("\n").length).toBeLessThanOrEqual(GROUP_MAX_LINES);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(LINE_MAX_BYTES);
      }
    }
  });

  it("wait for a moment's quiet, and not for ever", () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const groups: string[] = [];
    using grouper = new LineGrouper(continuesByIndent, (lines) => {
      for (const { text } of lines) groups.push(text);
    });
    grouper.push([whole("a")]);
    vi.advanceTimersByTime(QUIET_MS - 1);
    grouper.push([whole(" b")]);
    vi.advanceTimersByTime(QUIET_MS - 1);
    expect(groups).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(groups).toEqual(["a\n b"]);
    for (let ms = 0; ms <= GROUP_MAX_MS; ms += 100) {
      grouper.push([whole(" c")]);
      vi.advanceTimersByTime(100);
    }
    expect(groups).toHaveLength(2);
  });

  it("are none where a line is longer than one may be", () => {
    const pieces: Line[] = [whole("a"), { text: " b", partial: true }, whole(" c"), whole(" d")];
    const groups: Line[] = [];
    using grouper = new LineGrouper(continuesByIndent, (lines) => void groups.push(...lines));
    grouper.push(pieces);
    grouper.flush();
    expect(groups).toEqual(pieces);
  });
});

function ship(options: { parse: boolean }, lines: readonly Line[]): LogLine[] {
  const entries: LogEntry[] = [];
  const onEntries = (some: readonly LogEntry[]): void => void entries.push(...some);
  using program = new ProgramLines({
    source: "stderr",
    continues: undefined,
    onEntries,
    onFault: (error) => {
      throw error;
    },
    ...options,
  });
  program.push(lines);
  program.end();
  for (const { json, bytes } of entries) expect(Buffer.byteLength(`${json}\n`)).toBe(bytes);
  return entries.map(({ json }) => logLineSchema.parse(JSON.parse(json)));
}

describe("the agent's log entries", verifies("agent-lines"), () => {
  it("have the level that the line says, else the one of its output", () => {
    const lines = [
      "WARN x",
      "x",
      '{"level":30,"msg":"m","a":1}',
      '{"msg":"m","time":"2026-11-21T07:30:01Z"}',
    ];
    expect(ship({ parse: true }, lines.map(whole))).toMatchObject([
      { level: "warn", message: "WARN x" },
      { level: "error", message: "x" },
      { level: "info", message: "m", fields: { a: 1 } },
      { level: "error", message: "m", time: "2026-11-21T07:30:01.000Z" },
    ]);
    expect(ship({ parse: false }, lines.map(whole)).map(({ message }) => message)).toEqual(lines);
    for (const { level } of ship({ parse: false }, lines.map(whole))) expect(level).toBe("error");
  });

  it("give each piece of a long line the level of its first", () => {
    const pieces = [
      { text: "INFO x", partial: true },
      { text: "y", partial: true },
      whole("z"),
      whole("w"),
    ];
    expect(ship({ parse: true }, pieces)).toMatchObject([
      { level: "info", fields: { partial: true } },
      { level: "info", fields: { partial: true } },
      { level: "info", message: "z" },
      { level: "error", message: "w" },
    ]);
  });

  it("are cut where their JSON would be too large, between characters", () => {
    const base = { time: "2026-11-21T07:30:01.123Z", source: "stdout" } as const;
    for (const text of ["\0".repeat(65_536), `a${"😀\0".repeat(16_000)}`]) {
      const entries = logEntries({ ...base, message: text });
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
    const huge = { a: "x".repeat(2 * ENTRY_MAX_BYTES) };
    expect(logEntries({ ...base, message: "abc", fields: huge }).at(-1)!.json).toContain("xxx");
  });

  it("are text where a logger's JSON is nested deeper than the server takes", () => {
    const nested = (levels: number): string =>
      `{"level":30,"msg":"m","a":${"[".repeat(levels)}${"]".repeat(levels)}}`;
    const taken = nested(JSON_MAX_DEPTH - 2);
    for (const levels of [JSON_MAX_DEPTH - 1, 2_000, 5_000, 30_000]) {
      const line = nested(levels);
      const [text, json] = ship({ parse: true }, [whole(line), whole(taken)]);
      expect([text!.message, text!.fields]).toEqual([line, undefined]);
      expect(json).toMatchObject({ message: "m", level: "info" });
    }
    expect(tryDepthProblem(ship({ parse: true }, [whole(taken)])[0])).toBeUndefined();
  });

  it("survive a fault of ours, which is told, and so do those that wait", () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const faults: unknown[] = [];
    const taken: string[] = [];
    using program = new ProgramLines({
      source: "stdout",
      parse: true,
      continues: (line) => {
        if (line === "bad pattern") throw new Error(line);
        return false;
      },
      onEntries: (entries) => {
        if (entries.some(({ json }) => json.includes("bad entry"))) throw new Error("bad entry");
        taken.push(...entries.map(({ json }) => (JSON.parse(json) as LogLine).message));
      },
      onFault: (error) => void faults.push((error as Error).message),
    });
    program.push([whole("one")]);
    program.push([whole("bad pattern")]);
    program.push([whole("bad entry")]);
    vi.advanceTimersByTime(QUIET_MS);
    program.push([whole("two")]);
    program.end();
    expect(taken).toEqual(["one", "two"]);
    expect(faults).toEqual(["bad pattern", "bad entry"]);
  });
});
