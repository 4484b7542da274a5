import { setTimeout as delay } from "node:timers/promises";

/** Publishes under a key until the answer is a 2xx, as a careful client does; returns the ids. */
export async function publishUntilDone(
  url: () => string,
  topic: string,
  events: unknown[],
  key: string,
): Promise<string[]> {
  for (;;) {
    try {
      const response = await fetch(`${url()}/api/v1/topics/${encodeURIComponent(topic)}/events`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify(events),
      });
      if (response.ok)
        return ((await response.json()) as { events: { id: string }[] }).events.map(({ id }) => id);
      const text = await response.text();
      if (response.status < 500) throw new TypeError(`refused: ${text}`);
    } catch (error) {
      if (error instanceof TypeError && error.message.startsWith("refused")) throw error;
    }
    await delay(20);
  }
}
