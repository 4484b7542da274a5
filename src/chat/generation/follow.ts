import type { Hub } from "../../hub/hub.ts";
import type { Outlet } from "../../hub/reader.ts";
import type { Event } from "../../log/event.ts";
import type { Topic } from "../../log/topic.ts";

export interface Following {
  readonly close: () => void;
}

export interface FollowListener {
  event(event: Event): void;
  /** A fault that no retry mends: nothing more will be told. */
  failed(error: unknown): void;
}

/** Reads a topic within the process, from its first event on, with the hub's promise: each event once, in order. */
export function follow(hub: Hub, topic: Topic, listener: FollowListener): Following {
  const outlet: Outlet = {
    writable: true,
    events: (_, batch) => batch.events.forEach((event) => listener.event(event)),
    gap: () => {},
    dropped: () => {},
    live: () => {},
    finished: () => reader.close(),
    deleted: () => reader.close(),
    failed: (error) => listener.failed(error),
  };
  const reader = hub.read(outlet, [{ topic, start: { kind: "earliest" } }]);
  reader.start();
  return { close: () => reader.close() };
}
