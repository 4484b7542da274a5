import type { Hub } from "../../hub/hub.ts";
import type { Outlet } from "../../hub/reader.ts";
import type { Event } from "../../log/event.ts";
import type { Topic } from "../../log/topic.ts";

export interface Following {
  readonly close: () => void;
  /** Resolves true when the topic has been closed and all of it seen; false when closed by `close` or a fault. */
  readonly ended: Promise<boolean>;
}

/** Reads a topic within the process, from its first event on, with the hub's promise: each event once, in order. */
export function follow(hub: Hub, topic: Topic, onEvent: (event: Event) => void): Following {
  let settle: (ended: boolean) => void = () => {};
  const ended = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  const outlet: Outlet = {
    writable: true,
    events: (_, batch) => batch.events.forEach(onEvent),
    gap: () => {},
    dropped: () => {},
    live: () => {},
    finished: () => close(true),
    deleted: () => close(false),
    failed: () => close(false),
  };
  const reader = hub.read(outlet, [{ topic, start: { kind: "earliest" } }]);
  const close = (whole: boolean): void => {
    reader.close();
    settle(whole);
  };
  reader.start();
  return { ended, close: () => close(false) };
}
