import { ServiceError } from "../errors.ts";
import type { Event } from "../log/event.ts";
import type { EventLog } from "../log/event-log.ts";
import type { PublishContext, Publisher } from "../log/publisher.ts";
import { logsTopic, statusTopic } from "../log/topic.ts";
import type { StateStore } from "../state/state-store.ts";

const DIRECTORY = "wukongs";
const PAGE = 100;
/** For so long a deleted Wukong's streams answer 404, so that readers who come back learn that it is gone. */
const TOMBSTONE_MS = 5 * 60_000;

/** A Wukong as it stands: its name and its latest status. */
export interface WukongEntry {
  readonly name: string;
  readonly latest: Event;
}

/** Which Wukongs there are, and how each is. */
export class WukongDirectory {
  readonly #log: EventLog;
  readonly #state: StateStore;
  readonly #publisher: Publisher;

  constructor(log: EventLog, state: StateStore, publisher: Publisher) {
    this.#log = log;
    this.#state = state;
    this.#publisher = publisher;
  }

  /** Publishes a status and enters the Wukong. @returns the id of the event */
  async publishStatus(name: string, status: object, context: PublishContext): Promise<string> {
    const topic = statusTopic(name);
    const draft = { type: "status", data: JSON.stringify(status) };
    this.#publisher.checkSize(draft, "The status");
    // Entered first: a name without a status is not listed, a status without a name would not be found.
    await Promise.all([this.#state.add(DIRECTORY, name), this.#state.release(tombstone(name))]);
    const [id] = await this.#publisher.publish(topic, [draft], context);
    return id!;
  }

  /** Undefined before its first status. */
  async find(name: string): Promise<WukongEntry | undefined> {
    const topic = statusTopic(name);
    const before = await this.#log.last(topic, 1);
    const { events } = await this.#log.read(topic, before, { events: 1, bytes: 1 });
    const latest = events[0];
    return latest ? { name, latest } : undefined;
  }

  /** All of them by name, in pages as they are read. */
  async *pages(): AsyncGenerator<WukongEntry[]> {
    for (let after = ""; ;) {
      const names = await this.#state.list(DIRECTORY, after, PAGE);
      if (names.length === 0) return;
      const entries = await Promise.all(names.map((name) => this.find(name)));
      yield entries.filter((entry) => entry !== undefined);
      after = names.at(-1)!;
    }
  }

  /** Forgets a Wukong with its status and logs; its streams end. @throws ServiceError `not-found` */
  async delete(name: string): Promise<void> {
    if (!(await this.find(name)))
      throw new ServiceError("not-found", `There is no Wukong ${name}.`, { field: "name" });
    await this.#state.claim(tombstone(name), "deleted", TOMBSTONE_MS);
    await this.#state.remove(DIRECTORY, name);
    await Promise.all([this.#log.delete(statusTopic(name)), this.#log.delete(logsTopic(name))]);
  }

  /** True for a while after a deletion, until its name is used again. */
  async wasDeleted(name: string): Promise<boolean> {
    return (await this.#state.claimed(tombstone(name))) !== undefined;
  }

  /** A name that speaks again is no longer deleted. */
  async revive(name: string): Promise<void> {
    await this.#state.release(tombstone(name));
  }
}

function tombstone(name: string): string {
  return `wukong-deleted:${name}`;
}
