import { ServiceError } from "../errors.ts";
import type { Hub } from "../hub/hub.ts";
import type { Event } from "../log/event.ts";
import type { Position } from "../log/position.ts";
import { chatTopic } from "../log/topic.ts";
import { ANONYMOUS } from "../wire/grammar.ts";
import type { GenerationSnapshot } from "../wire/chat.ts";
import type { Standing } from "./active-answers.ts";
import { chunkOf } from "./chunk.ts";
import { follow } from "./generation/follow.ts";
import { SnapshotFold } from "./snapshot.ts";

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
    return end?.type === "finish" && end.finishReason !== "error" ? "ended" : "failed";
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
    const fold = new SnapshotFold(generation);
    for await (const event of this.events(generation)) {
      if (!fold.snapshot && !mayRead(event, principal)) throw unknownGeneration(generation);
      fold.add(event);
    }
    if (!fold.snapshot) throw unknownGeneration(generation);
    return fold.snapshot;
  }

  /** How it has ended. The signal stops the waiting, not the generation. @throws ServiceError `draining` where it is cut short */
  async whenEnded(generation: string, signal: AbortSignal): Promise<GenerationSnapshot> {
    const fold = new SnapshotFold(generation);
    const following = follow(this.#hub, chatTopic(generation), (event) => fold.add(event));
    if (signal.aborted) following.close();
    signal.addEventListener("abort", following.close, { once: true });
    try {
      const whole = await following.ended;
      if (!whole || !fold.snapshot)
        throw new ServiceError("draining", "The wait for the answer was cut short.", {
          retryAfterMs: 1_000,
        });
      return fold.snapshot;
    } finally {
      signal.removeEventListener("abort", following.close);
      following.close();
    }
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
