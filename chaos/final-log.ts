import { createNdjsonDecoder } from "./clients/decoders.ts";
import { stampOf } from "./clients/payload.ts";
import { open, textOf } from "./clients/request.ts";
import type { Findings } from "./law/findings.ts";
import type { Entry } from "./law/history.ts";
import type { Contents } from "./world/store.ts";

/** What a new reader is given of a topic from its first event to its last. @throws where the answer is cut */
export async function readFromEarliest(base: string, topic: string): Promise<Entry[]> {
  const path = `/api/v1/events?topic=${topic}&from=earliest&follow=false&format=ndjson`;
  const signal = AbortSignal.timeout(30_000);
  const answer = await open({ url: new URL(path, base), patienceMs: 10_000, signal });
  const frames = createNdjsonDecoder()(await textOf(answer));
  if (frames.at(-1)?.type !== "closed") throw new Error(`${path} was not answered to its end`);
  return frames
    .filter((frame) => frame.topic !== undefined)
    .map((frame) => {
      const { mark, digest } = stampOf(topic, frame.data);
      return { id: frame.id!.slice(frame.id!.indexOf(".") + 1), mark, digest };
    });
}

/** The log at the end, asked of every process and, where possible, of the store itself: all must say the same. */
export async function readFinalLog(
  urls: readonly string[],
  topics: readonly string[],
  stored: Contents | undefined,
  findings: Findings,
): Promise<Contents> {
  const log = new Map<string, readonly Entry[]>();
  for (const topic of topics) {
    const answers = await Promise.all(urls.map((url) => readFromEarliest(url, topic)));
    const truth = stored?.get(topic) ?? answers[0]!;
    for (const [index, answer] of answers.entries()) {
      if (JSON.stringify(answer) === JSON.stringify(truth)) continue;
      const missing = truth.length - answer.length;
      findings.add(
        "lost",
        topic,
        `service ${index} gives a new reader ${answer.length} events of ${truth.length}`,
        Math.max(1, missing),
      );
    }
    log.set(topic, truth);
  }
  return log;
}
