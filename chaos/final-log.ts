import { createNdjsonDecoder } from "./clients/decoders.ts";
import { stampOf } from "./clients/payload.ts";
import { open, textOf } from "./clients/request.ts";
import type { Findings } from "./law/findings.ts";
import type { Entry } from "./law/history.ts";
import type { Contents } from "./world/store.ts";

/** For a whole answer, in ms, and how often it is asked for: a process may end a connection for its age. */
const ANSWER_MS = 15_000;
const ATTEMPTS = 3;

/** What a new reader is given of a topic from its first event to its last. @throws where the answer is cut */
export async function readFromEarliest(base: string, topic: string): Promise<Entry[]> {
  const path = `/api/v1/events?topic=${topic}&from=earliest&follow=false&format=ndjson`;
  const signal = AbortSignal.timeout(ANSWER_MS);
  const answer = await open({ url: new URL(path, base), patienceMs: 10_000, signal });
  const frames = createNdjsonDecoder()(await textOf(answer));
  const { type, data } = frames.at(-1) ?? {};
  const { reason } = (data ?? {}) as { reason?: string };
  if (type !== "closed" || reason !== "finished")
    throw new Error(`${path} was not answered to its end`);
  return frames
    .filter((frame) => frame.topic !== undefined)
    .map((frame) => {
      const { mark, digest } = stampOf(topic, frame.data);
      return { id: frame.id!.slice(frame.id!.indexOf(".") + 1), mark, digest };
    });
}

/** @returns the last failure where there is no whole answer, however often it is asked for */
async function tryFromEarliest(base: string, topic: string): Promise<Entry[] | Error> {
  let failure: Error | undefined;
  for (let i = 0; i < ATTEMPTS; i++) {
    try {
      return await readFromEarliest(base, topic);
    } catch (error) {
      failure = error as Error;
    }
  }
  return failure!;
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
    const answers = await Promise.all(urls.map((url) => tryFromEarliest(url, topic)));
    const [first] = answers;
    const truth = stored?.get(topic) ?? (first instanceof Error ? [] : first!);
    for (const [index, answer] of answers.entries()) {
      if (answer instanceof Error) {
        findings.add(
          "late",
          topic,
          `service ${index} gives a new reader no whole log: ${answer.message}`,
        );
        continue;
      }
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
