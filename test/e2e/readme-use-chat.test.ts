import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { compileFunction } from "node:vm";
import * as ai from "ai";
import { expect, it } from "vitest";
import { AI_SDKS, answerIn, type ChatMessage, type HeadlessChat } from "../support/ai-sdk.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const sdk = AI_SDKS.find(({ name }) => name === "ai 6")!;

/** The README's hook, as a page of the service would have it, without React. */
function hookOf(url: string, messages: readonly ChatMessage[]) {
  const [, code] = /```js\n(import \{ useChat \}.*?)```/s.exec(readFileSync("README.md", "utf8"))!;
  const fetchHere: typeof fetch = (path, init) => fetch(new URL(path, url), init);
  const modules = {
    "@ai-sdk/react": {
      useChat: (options: { id: string; transport: unknown; resume: boolean }) => {
        const chat = sdk.chat({ ...options, url, messages });
        const resumed = options.resume ? chat.resumeStream() : Promise.resolve();
        return { chat, resumed };
      },
    },
    ai: {
      DefaultChatTransport: class extends ai.DefaultChatTransport<ai.UIMessage> {
        constructor(options: object) {
          super({ ...options, fetch: fetchHere });
        }
      },
    },
  };
  const script = code!
    .replace(/^import (\{.*\}) from (".*");$/gm, "const $1 = modules[$2];")
    .replace(/^export /gm, "");
  const define = compileFunction(`${script}\nreturn useAnswers;`, ["modules", "fetch"]) as (
    ...args: unknown[]
  ) => (id: string) => {
    chat: HeadlessChat;
    resumed: Promise<void>;
    stop(): Promise<Response>;
  };
  return define(modules, fetchHere);
}

it("the README's useChat asks, goes on in a second tab, and stops", verifies("tour"), async () => {
  await using service = await ServiceProcess.start({ AI_DEMO_DELAY: "5ms" });
  const id = randomUUID();
  const first = hookOf(service.url, [])(id);
  await first.resumed;
  const asking = first.chat.sendMessage({ text: "word ".repeat(2_000) });
  await eventually(() => (answerIn(first.chat) ?? "").length > 20);
  const second = hookOf(service.url, first.chat.messages.slice(0, 1))(id);
  await eventually(() => (answerIn(second.chat) ?? "").length > 20);
  expect(await (await second.stop()).json()).toMatchObject({ state: "stopped" });
  await Promise.all([asking, second.resumed]);
  expect([first.chat.status, second.chat.status]).toEqual(["ready", "ready"]);
  expect(answerIn(second.chat)).toBe(answerIn(first.chat));
});
