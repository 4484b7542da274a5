import type { FillCommand, Outcome } from "./protocol.ts";
import { Publisher } from "./publisher.ts";

/** Fewer than any limit on a request's body or on the events of one publish. */
const BURST = 100;

/** Publishes to nobody in particular. */
export async function fill({ port, surface, events }: FillCommand): Promise<Outcome> {
  using publisher = new Publisher(port, surface);
  const startedAt = performance.now();
  for (let sent = 0; sent < events; sent += BURST)
    await publisher.publish(Math.min(BURST, events - sent));
  return { expected: 0, lost: 0, doubled: 0, wallMs: performance.now() - startedAt };
}
