import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { DemoModel } from "../../src/chat/models/demo-model.ts";
import { median } from "../quantile.ts";
import { answerTo, type ChatDialect, chatPost, hasText, textOf } from "./chat-dialect.ts";
import { demoRequest } from "./demo-request.ts";
import type { ChatCommand, Outcome } from "./protocol.ts";

const PROMPT = "what a first token takes";
const ANSWER = answerTo(PROMPT);

/** Chats one after the other over one connection; between them the same model in this process. */
export async function chat(command: ChatCommand): Promise<Outcome> {
  const { port, path, dialect, requests, modelDelayMs } = command;
  using agent = disposable(new Agent({ keepAlive: true, maxSockets: 1 }));
  const model = new DemoModel(modelDelayMs);
  const startedAt = performance.now();
  const [own, served]: [number[], number[]] = [[], []];
  let [lost, doubled] = [0, 0];
  for (let i = 0; i < requests; i++) {
    own.push(await ownFirstTokenMs(model));
    const { firstTokenMs, text } = await ask(agent.agent, port, path, dialect);
    served.push(firstTokenMs);
    if (text.length < ANSWER.length) lost++;
    else if (text !== ANSWER) doubled++;
  }
  return {
    expected: requests,
    lost,
    doubled,
    wallMs: performance.now() - startedAt,
    addedMs: median(served) - median(own),
  };
}

function disposable(agent: Agent) {
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}

async function ownFirstTokenMs(model: DemoModel): Promise<number> {
  const startedAt = performance.now();
  const parts = model.stream(demoRequest(PROMPT), new AbortController().signal);
  await parts.next();
  const endedAt = performance.now();
  await parts.return(undefined);
  return endedAt - startedAt;
}

async function ask(agent: Agent, port: number, path: string, dialect: ChatDialect) {
  const startedAt = performance.now();
  const { headers, body } = chatPost(dialect, PROMPT);
  const outgoing = request({
    agent,
    host: "127.0.0.1",
    port,
    path,
    method: "POST",
    headers,
  });
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  if (answer.statusCode !== 200) throw new Error(`A chat was answered ${answer.statusCode}.`);
  let firstTokenMs = Number.NaN;
  let received = "";
  for await (const text of answer.setEncoding("utf8") as AsyncIterable<string>) {
    received += text;
    if (Number.isNaN(firstTokenMs) && hasText(dialect, received))
      firstTokenMs = performance.now() - startedAt;
  }
  return { firstTokenMs, text: textOf(received) };
}
