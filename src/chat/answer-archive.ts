import { ServiceError } from "../errors.ts";
import type { Hub } from "../hub/hub.ts";
import type { Event } from "../log/event.ts";
import type { Position } from "../log/position.ts";
import { chatTopic } from "../log/topic.ts";
import { ANONYMOUS } from "../wire/grammar.ts";
import type { GenerationSnapshot } from "../wire/chat.ts";
import type { Standing } from "./active-answers.ts";
import { chunkOf } from "./chunk.ts";
import { type Answer, AnswerFold } from "./answer.ts";
import { snapshotOf } from "./projections/snapshot.ts";
import { readAnswer } from "./read-answer.ts";

const PAGE = { events: 512, bytes: 262_144 };
const ONE = { events: 1, bytes: 1 };

/** What the log knows of answers, for whoever may know it. */
export class AnswerArchive {
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  /** True where its start is in the log. */
  async exists(generation: string): Promise<boolean> {
    return (await this.#hub.log.head(chatTopic(generation))).position.n > 0;
  }

  /** @throws ServiceError `not-found`, also for somebody else's: nobody learns that it is there */
  async requireReadable(generation: string, principal: string): Promise<void> {
    const { events } = await this.#hub.log.read(chatTopic(generation), "earliest", ONE);
    if (!events[0] || !mayRead(events[0], principal)) throw unknownGeneration(generation);
  }

  /** How it stands, as far as the log tells. */
  async standing(generation: string): Promise<Standing> {
    const topic = chatTopic(generation);
    const { position, closed } = await this.#hub.log.head(topic);
    if (position.n === 0) return "gone";
    if (!closed) return "running";
    const { events } = await this.#hub.log.read(topic, await this.#hub.log.last(topic, 1), ONE);
    const end = events[0] && chunkOf(events[0]);
    const whole = end?.type === "finish" && !["error", "abandoned"].includes(end.finishReason);
    return whole ? "ended" : "failed";
  }

  /** Each of its events, in order, as far as they are in the log now. */
  async *events(generation: string): AsyncGenerator<Event> {
    for (let after: Position | "earliest" = "earliest"; ;) {
      const { events, more } = await this.#hub.log.read(chatTopic(generation), after, PAGE);
      yield* events;
      if (!more || events.length === 0) return;
      after = events.at(-1)!.position;
    }
  }

  /** How it stands now. @throws ServiceError `not-found` */
  async snapshot(generation: string, principal: string): Promise<GenerationSnapshot> {
    const fold = new AnswerFold();
    for await (const event of this.events(generation)) {
      if (!fold.answer && !mayRead(event, principal)) throw unknownGeneration(generation);
      fold.add(event);
    }
    if (!fold.answer) throw unknownGeneration(generation);
    return snapshotOf(fold.answer);
  }

  /**
   * How it has ended. The signal stops the waiting, not the generation.
   * @throws ServiceError `draining` where the wait is cut short, `history-lost` where there is nothing to wait for
   */
  async whenEnded(generation: string, signal: AbortSignal): Promise<GenerationSnapshot> {
    const enough = (answer: Answer): boolean => answer.finishReason !== undefined;
    const answer = await readAnswer(this.#hub, { generation, enough, signal });
    if (answer && enough(answer)) return snapshotOf(answer);
    const detail = "The wait for the answer was cut short.";
    throw new ServiceError("draining", detail, { retryAfterMs: 1_000 });
  }
}

/** @param first of the generation's events */
function mayRead(first: Event, principal: string): boolean {
  const chunk = chunkOf(first);
  if (chunk.type !== "start") return false;
  return chunk.owner === ANONYMOUS || chunk.owner === principal;
}

export function unknownGeneration(generation: string): ServiceError {
  return new ServiceError(
    "not-found",
    `There is no generation ${generation}, or it is no longer kept.`,
    { field: "generation" },
  );
}
