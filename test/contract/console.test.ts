import { once } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import type { Service } from "../../src/service.ts";
import { startTestService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";
import { consoleMessages } from "./support-document.ts";
import { faultOf } from "./support-schemas.ts";

type Message = { type: string; [member: string]: unknown };

const fromService = consoleMessages("fromService");
const seen = new Set<string>();
let service: Service;

beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service[Symbol.asyncDispose]());

/** A client whose every message is held against the document. */
async function connect(query = "") {
  const socket = new WebSocket(`${service.url.replace("http", "ws")}/ws/wukong/web-1${query}`);
  const messages: Message[] = [];
  const faults: string[] = [];
  socket.on("message", (data) => {
    const message = JSON.parse((data as Buffer).toString("utf8")) as Message;
    const schema = fromService[message.type];
    const fault = schema
      ? faultOf(schema, message)
      : `the document knows no message ${message.type}`;
    if (fault) faults.push(fault);
    messages.push(message);
    seen.add(message.type);
  });
  await once(socket, "open");
  const next = (type: string) =>
    eventually(() => messages.find((message) => message.type === type), {
      what: `a message ${type}`,
    });
  return { socket, messages, faults, next };
}

function publish(status: object): Promise<Response> {
  return fetch(`${service.url}/api/v1/wukongs/web-1/status`, {
    method: "PUT",
    body: JSON.stringify(status),
  });
}

it("greets, shows the status, and answers requests and nonsense", async () => {
  const { socket, messages, faults, next } = await connect();
  await next("live");
  await publish({ phase: "Running", ready: 3 });
  await next("status");
  for (const type of Object.keys(consoleMessages("fromClient"))) {
    socket.send(JSON.stringify({ type, id: `of-${type}` }));
    await eventually(() => messages.find(({ id }) => id === `of-${type}`));
  }
  for (const nonsense of [
    "not JSON",
    '{"id":"1","type":"dance"}',
    '{"type":"ping"}',
    Buffer.from([1]),
  ])
    socket.send(nonsense);
  await eventually(() => messages.filter(({ type }) => type === "error").length === 4);
  expect(faults).toEqual([]);
  socket.terminate();
});

it("tells of what is missing, and of what a slow client is spared", async () => {
  const { socket, faults, next } = await connect("?last_event_id=1-1");
  await next("gap");
  socket.pause();
  const padding = "x".repeat(200_000);
  await eventually(
    async () => {
      await publish({ phase: "Running", padding });
      const { connections } = (await (await fetch(`${service.url}/api/v1/connections`)).json()) as {
        connections: { state: string }[];
      };
      return connections.some(({ state }) => state === "lagging");
    },
    { what: "a lagging reader", everyMs: 0 },
  );
  for (const phase of ["A", "B", "C"]) await publish({ phase });
  socket.resume();
  await next("dropped");
  expect(faults).toEqual([]);
  socket.terminate();
});

it("closes with a code and a text that the document lists", async () => {
  const { socket, next } = await connect();
  const { connectionId } = await next("connected");
  const closed = once(socket, "close");
  await fetch(`${service.url}/api/v1/connections/${connectionId as string}`, { method: "DELETE" });
  const [code, text] = (await closed) as [number, Buffer];
  const reason = JSON.parse(text.toString("utf8")) as object;
  expect([code, reason]).toEqual([
    4002,
    { reason: "kicked", reconnect: true, retryMs: expect.any(Number) as number },
  ]);
});

it("all messages of the document have been seen", () => {
  expect([...seen].sort()).toEqual(Object.keys(fromService).sort());
});
