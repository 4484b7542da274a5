import { expect } from "vitest";
import type { LogLine } from "../../src/wire/publish.ts";
import { AgentProcess } from "./agent-process.ts";

export const NODE = process.execPath;

export function startAgent(
  server: string,
  program: readonly string[],
  options: readonly string[] = [],
  shell?: string,
) {
  const args = ["agent", "--name", "web-1", "--server", server, ...options, "--", ...program];
  return new AgentProcess(args, {}, shell);
}

export async function readTopic<T>(url: string, path: string): Promise<T[]> {
  const query = "format=ndjson&from=earliest&follow=false";
  const response = await fetch(`${url}/api/v1/wukongs/web-1/${path}?${query}`);
  expect(response.status).toBe(200);
  const items = (await response.text())
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { type: string; data: T });
  expect(items.filter(({ type }) => type === "gap")).toEqual([]);
  return items.filter(({ type }) => type === "log" || type === "status").map(({ data }) => data);
}

export interface Status {
  phase: string;
  command: string;
  pid?: number;
  host: string;
  startedAt: string;
  endedAt?: string;
  exitCode?: number;
  signal?: string;
  restarts: number;
  message?: string;
  cpuCores?: number;
  memoryBytes?: number;
  spooledBytes?: number;
  droppedLines?: number;
  spoolTrouble?: string;
}

export const readLog = (url: string): Promise<LogLine[]> => readTopic<LogLine>(url, "logs");
export const readStatus = (url: string): Promise<Status[]> => readTopic<Status>(url, "stream");
export const messages = (lines: readonly LogLine[]): string[] =>
  lines.map(({ message }) => message);

/** What `seq 1 count` prints. */
export const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => String(i + 1));

/** Each once and in order; of thousands, the first that differs tells more than all. */
export function expectLines(actual: readonly string[], expected: readonly string[]): void {
  const at = expected.findIndex((line, index) => line !== actual[index]);
  if (at !== -1)
    expect({ at, lines: actual.slice(at, at + 3) }).toEqual({
      at,
      lines: expected.slice(at, at + 3),
    });
  expect(actual).toHaveLength(expected.length);
}

/** A program that counts, a thousand lines a second, until its stdin ends; then it says how far it has come. */
export const COUNTER = [
  NODE,
  "-e",
  `let n = 0;
   const line = () => String(++n) + "é😀".repeat(40);
   const timer = setInterval(() => { for (let i = 0; i < 10; i++) console.log(line()); }, 10);
   process.stdin.on("end", () => { clearInterval(timer); console.log("of " + n); }).resume();`,
];

/** All that COUNTER has printed. */
export function expectCounted(actual: readonly string[]): void {
  const count = Number(actual.at(-1)!.replace("of ", ""));
  expect(count).toBeGreaterThan(300);
  const expected = numbers(count).map((n) => n + "é😀".repeat(40));
  expectLines(actual, [...expected, `of ${count}`]);
}
