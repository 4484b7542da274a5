import { readWithEventSource } from "../../support/readers.ts";
import { eventually } from "../../support/wait.ts";
import { eventsOf, persist, publish } from "../clients/calls.ts";
import { Exchange } from "../clients/exchange.ts";
import type { ServiceFleet } from "../service-fleet.ts";
import { ownName, requireEachOnce } from "../trial.ts";

const TIMEOUT_MS = 10_000;

/**
 * An EventSource that comes while no process is there is told to come back later; others are told the truth.
 * @param carelessUrl a gateway that has only its own errors to tell: there an EventSource has to die
 */
export async function survivesAbsence(
  url: string,
  carelessUrl: string,
  fleet: ServiceFleet,
): Promise<void> {
  const topic = `app:${ownName("absence")}`;
  const events = eventsOf(url, topic, "from=earliest");
  await publish(url, topic, { type: "tick", data: { n: 0 } });
  await fleet.away();
  using reader = readWithEventSource(events, ["tick"]);
  using doomed = readWithEventSource(eventsOf(carelessUrl, topic, "from=earliest"), ["tick"]);
  try {
    await eventually(() => doomed.dead, { what: "the end of the one behind a careless gateway" });
    await eventually(
      () => reader.dead || reader.controls.some(({ data }) => reasonOf(data) === "unavailable"),
      { what: "the gateway's own answer" },
    );
    using told = new Exchange(events, { headers: { accept: "text/event-stream" } });
    const text = await told.whole(TIMEOUT_MS);
    const { statusCode, headers } = told.response!;
    if (
      statusCode !== 200 ||
      headers["content-type"] !== "text/event-stream" ||
      !/^retry: \d+\nevent: closed\n/.test(text)
    )
      throw new Error(`an EventSource is told ${statusCode}: ${text}`);
    using other = new Exchange(events, { headers: { accept: "application/x-ndjson" } });
    await other.whole(TIMEOUT_MS);
    if (other.response!.statusCode! < 502)
      throw new Error(`others are told ${other.response!.statusCode}`);
  } finally {
    await fleet.back();
  }
  await persist(() => publish(url, topic, { type: "tick", data: { n: 1 } }));
  const numbers = () => reader.received.map(({ data }) => (data as { data: { n: number } }).data.n);
  await eventually(() => reader.dead || numbers().length >= 2, { what: "what came later" });
  if (reader.dead) throw new Error("the EventSource met an error and is dead");
  requireEachOnce("the events", numbers(), 2);
}

const reasonOf = (data: unknown): unknown => (data as { reason?: unknown }).reason;
