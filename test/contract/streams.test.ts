import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CONTROL_TYPES } from "../../src/wire/grammar.ts";
import type { Service } from "../../src/service.ts";
import { startTestService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";
import { type Members, operation } from "./support-document.ts";
import { itemsOf } from "./support-exercise.ts";
import { faultOf } from "./support-schemas.ts";

let service: Service;

beforeAll(async () => {
  service = await startTestService({ HEARTBEAT_INTERVAL: "100ms" });
});
afterAll(() => service[Symbol.asyncDispose]());

/** An open stream whose every item is held against the document. */
async function open(operationId: string, path: string, format: "sse" | "ndjson") {
  const url = `${service.url}${path}${path.includes("?") ? "&" : "?"}format=${format}`;
  const request = get(url, { headers: { "last-event-id": "unusable" } });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  response.on("error", () => {});
  const type = response.headers["content-type"]!;
  const media = operation(operationId).responses["200"]!.content[type]!;
  return {
    response,
    close: () => request.destroy(),
    heartbeats: () => text.split("\n").filter((line) => line === ":hb").length,
    types: () =>
      itemsOf(type, media, text).map((item) => {
        expect(faultOf(media["itemSchema"] as Members, item)).toBeUndefined();
        const { event, type: kind } = item as { event?: string; type?: string };
        return event ?? kind;
      }),
  };
}

const put = (path: string, body: object) =>
  fetch(`${service.url}${path}`, { method: "PUT", body: JSON.stringify(body) });

async function connections(): Promise<{ id: string; state: string }[]> {
  const answer = await fetch(`${service.url}/api/v1/connections`);
  return ((await answer.json()) as { connections: { id: string; state: string }[] }).connections;
}

it.each(["sse", "ndjson"] as const)(
  "whatever a stream itself says is as the document says, in %s",
  async (format) => {
    const status = await open("streamStatus", `/api/v1/wukongs/${format}/stream`, format);
    await eventually(() => status.types().includes("live"));
    status.response.pause();
    const padding = "x".repeat(200_000);
    await eventually(
      async () => {
        await put(`/api/v1/wukongs/${format}/status`, { phase: "Running", padding });
        return (await connections()).some(({ state }) => state === "lagging");
      },
      { what: "a lagging reader", everyMs: 0 },
    );
    for (const phase of ["A", "B", "C"]) await put(`/api/v1/wukongs/${format}/status`, { phase });
    status.response.resume();
    await eventually(() => status.types().includes("dropped"));

    const logs = await open("streamLogs", `/api/v1/wukongs/${format}/logs?grep=never`, format);
    await fetch(`${service.url}/api/v1/wukongs/${format}/logs`, {
      method: "POST",
      body: "held back\n",
    });
    await eventually(() => logs.types().includes("heartbeat"));
    if (format === "sse") await eventually(() => logs.heartbeats() > 0);
    for (const { id } of await connections())
      await fetch(`${service.url}/api/v1/connections/${id}`, { method: "DELETE" });
    await eventually(() => status.types().at(-1) === "closed" && logs.types().at(-1) === "closed");

    const said = new Set([...status.types(), ...logs.types()]);
    expect(said).toEqual(new Set([...CONTROL_TYPES, "status"]));
    status.close();
    logs.close();
  },
);
