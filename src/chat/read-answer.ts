import { ServiceError } from "../errors.ts";
import type { Hub } from "../hub/hub.ts";
import type { Outlet } from "../hub/reader.ts";
import { chatTopic } from "../log/topic.ts";
import { type Answer, AnswerFold } from "./answer.ts";

export interface ReadAnswerOptions {
  readonly generation: string;
  /** Whether as much as this is enough; asked after each batch of events. */
  readonly enough: (answer: Answer) => boolean;
  /** Ends the reading, not the generation. */
  readonly signal: AbortSignal;
}

/**
 * Reads a generation within this process, from its start until there is enough of it, or it has ended.
 * @returns what there is; undefined where the signal came before anything could be read
 * @throws ServiceError `history-lost` where what it has said is no longer there, `internal` for a fault
 */
export async function readAnswer(
  hub: Hub,
  { generation, enough, signal }: ReadAnswerOptions,
): Promise<Answer | undefined> {
  const fold = new AnswerFold();
  const { promise, resolve, reject } = settleable<void>();
  const lost = (): void =>
    reject(new ServiceError("history-lost", "The answer's history is gone. Please ask again."));
  const outlet: Outlet = {
    writable: true,
    events: (_, { events }) => {
      for (const event of events) fold.add(event);
      if (fold.answer && enough(fold.answer)) resolve();
    },
    gap: lost,
    dropped: () => {},
    live: () => {},
    finished: () => resolve(),
    deleted: lost,
    failed: reject,
  };
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const reader = hub.read(outlet, [{ topic: chatTopic(generation), start: { kind: "earliest" } }]);
  reader.start();
  try {
    await promise;
    return fold.answer;
  } finally {
    signal.removeEventListener("abort", onAbort);
    reader.close();
  }
}

/** `Promise.withResolvers`, which Node has from 22 on. */
function settleable<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}
