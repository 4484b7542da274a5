import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Chunk, chunkDraft } from "../../src/chat/chunk.ts";
import { ChunkWriter } from "../../src/chat/generation/chunk-writer.ts";
import { MemoryEventLog } from "../../src/log/memory-event-log.ts";
import { DEFAULT_RETENTION } from "../../src/log/retention.ts";
import { chatTopic } from "../../src/log/topic.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

const TOPIC = chatTopic("gen-1");
const delta = (text: string): Chunk => ({ type: "text-delta", id: "t", delta: text });

async function startWriter() {
  const log = new MemoryEventLog({ retention: DEFAULT_RETENTION, maxBytes: 1e9 });
  await log.append(TOPIC, [
    chunkDraft({ type: "start", messageId: "m", model: "demo", owner: "anonymous" }),
  ]);
  const hurry = new AbortController().signal;
  const metrics = new Metrics();
  const writer = new ChunkWriter({ log, metrics, topic: TOPIC, fence: 1, hurry });
  const deltas = async (): Promise<string[]> => {
    const { events } = await log.read(TOPIC, "earliest", { events: 100, bytes: 1e6 });
    return events
      .map(({ data }) => JSON.parse(data) as Chunk)
      .flatMap((chunk) => (chunk.type === "text-delta" ? [chunk.delta] : []));
  };
  return { writer, deltas };
}

test(
  "the first token waits for nothing, whatever has been said before it",
  verifies("chat"),
  async () => {
    const { writer, deltas } = await startWriter();
    writer.write({ type: "start-step" });
    writer.write({ type: "text-start", id: "t" });
    await turn();
    writer.write(delta("first"));
    // Turns of the loop, and no time: far fewer than a merge waits for.
    for (let i = 0; i < 3; i++) await turn();
    expect(await deltas()).toEqual(["first"]);
  },
);

test("tokens right behind another are merged into one entry", verifies("chat"), async () => {
  const { writer, deltas } = await startWriter();
  writer.write(delta("a"));
  await turn();
  for (const text of ["b", "c", "d"]) {
    writer.write(delta(text));
    await turn();
  }
  await eventually(async () => (await deltas()).length > 1);
  expect(await deltas()).toEqual(["a", "bcd"]);
});
