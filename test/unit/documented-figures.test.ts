import { describe, expect, it } from "vitest";
import { isRounded, measured, numbersIn } from "../support/benchmark-figures.ts";
import { readDocument, rowsOf, sectionOf } from "../support/documents.ts";
import { verifies } from "../support/verifies.ts";

/** Of each row of the guide's table, what its figures are, in their order; `/ 1000` where it tells seconds. */
const FIGURES: Readonly<Record<string, readonly string[]>> = {
  "resident memory of an idle SSE connection": ["idle.kb", "sizes.connections", "connections.kb"],
  "deliveries, one event a publish to 2,000 readers": ["single.perCpuSecond"],
  "deliveries, ten events a publish to 2,000 readers": ["bursts.perCpuSecond"],
  "publish → receive, 2,000 readers, 10 events a second": ["latency.p50Ms", "latency.p99Ms"],
  "publishes through Redis, acknowledged and delivered, of one process to one topic": [
    "publish.perSecond",
  ],
  "replay from Redis to 1,000 readers at once": ["replay.perSecond"],
  "5,000 who come back at once, until the last is live": ["reconnect.ms / 1000"],
  "a chat's time to the first token, beside the model's": ["chat.addedMs", "chat-redis.addedMs"],
  "answers as NDJSON, each to one reader: tokens": [
    "chats-many.perCpuSecond",
    "chats-many-redis.perCpuSecond",
  ],
  "answers as UI message streams (`useChat`), each to one reader: tokens": [
    "tokens.perCpuSecond",
    "tokens-redis.perCpuSecond",
  ],
  "resident memory of an answer under way": ["chats-many.kb", "chats-many-redis.kb"],
};

/** What a row's name says of how it was measured. */
const SIZES: Readonly<Record<string, string>> = {
  "2,000 readers": "sizes.readers",
  "1,000 readers": "sizes.replaying",
  "5,000 who come back": "sizes.reconnecting",
};

const exactOf = (path: string): number => {
  const [figure, per = "1"] = path.split(" / ");
  return measured(figure!) / Number(per);
};

/** Rows whose figures are not the benchmark's, by their names. */
function wrongFigures(guide: string): string[] {
  const [, ...rows] = rowsOf(sectionOf(guide, "### Pods"));
  const wrong = rows.filter(([name, figure]) => {
    const paths = FIGURES[name!];
    const numbers = numbersIn(figure!);
    if (paths?.length !== numbers.length) return true;
    return !numbers.every((number, index) => isRounded(number, exactOf(paths[index]!)));
  });
  const missing = Object.keys(FIGURES).filter((name) => !rows.some(([own]) => own === name));
  return [...wrong.map(([name]) => name!), ...missing];
}

const guide = readDocument("docs/deploy.md");

describe("the figures of the guide", () => {
  it("are those of the committed benchmark, rounded", verifies("documented-figures"), () => {
    expect(wrongFigures(guide)).toEqual([]);
    for (const [words, size] of Object.entries(SIZES))
      expect(Number(words.split(" ")[0]!.replace(",", "")), words).toBe(measured(size));
  });

  it.each([
    ["| 82,000 per CPU second", "| 84,000 per CPU second"],
    ["| 13 KB (10,000 at once: 13.4)", "| 13 KB (10,000 at once: 13.2)"],
    ["15 ms at the median, 38 ms", "15 ms at the median, 35 ms"],
    ["| 36,000 a second", "| 46,000 a second"],
    ["| 1.7 s", "| 1.5 s"],
    ["7,600 per CPU second; 4,900", "7,600 per CPU second; 8,600"],
    ["to one topic | 36", "to many topics | 36"],
  ])("would not be so with %s as %s", verifies("documented-figures"), (right, wrong) => {
    const planted = guide.replace(right, wrong);
    expect(planted).not.toBe(guide);
    expect(wrongFigures(planted)).not.toEqual([]);
  });

  it("is told by as many digits as a figure shows", () => {
    for (const [figure, exact] of [
      ["82,000", 81_720],
      ["13.4", 13.42],
      ["13", 12.85],
      ["0.45", 0.4513],
    ] as const)
      expect(isRounded(figure, exact), figure).toBe(true);
    for (const [figure, exact] of [
      ["81,000", 81_720],
      ["13.5", 13.42],
      ["12", 12.85],
    ] as const)
      expect(isRounded(figure, exact), figure).toBe(false);
  });
});
