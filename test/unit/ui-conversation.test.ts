import { describe, expect, it } from "vitest";
import { commandOfUiRequest } from "../../src/chat/ui-conversation.ts";
import { uiChatRequestSchema } from "../../src/wire/ui-chat.ts";
import { verifies } from "../support/verifies.ts";

const command = (body: object) => commandOfUiRequest(uiChatRequestSchema.parse(body));
const text = (words: string) => ({ type: "text", text: words });
const user = (id: string | undefined, ...parts: object[]) => ({ id, role: "user", parts });
const refusal = (field: string) =>
  expect.objectContaining({ code: "invalid-body", field }) as unknown as Error;

describe("what a UI message stream's client asks", () => {
  it(
    "is its conversation: text, and of an assistant's other parts nothing",
    verifies("ui-request"),
    () => {
      const messages = [
        { role: "system", parts: [text("Be brief.")] },
        { ...user("m1", text("What is "), text("a cursor?")), metadata: { at: 1 } },
        {
          id: "gen-1",
          role: "assistant",
          parts: [
            { type: "step-start" },
            { type: "reasoning", text: "Hm.", state: "done" },
            { type: "text", text: "A position.", state: "done", providerMetadata: {} },
            { type: "tool-look", toolCallId: "c", state: "output-available", output: 1 },
          ],
        },
        // Stopped before its first word.
        { id: "gen-2", role: "assistant", parts: [{ type: "step-start" }] },
        user("m2", { type: "data-mood", data: "curious" }, text("Why?")),
      ];
      const settings = { model: "demo", temperature: 0.5, maxTokens: 7 };
      const body = { id: "c1", messages, trigger: "submit-message", messageId: "x", ...settings };
      expect(command({ ...body, unheard: "of" })).toEqual({
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "What is a cursor?" },
          { role: "assistant", content: "A position." },
          { role: "user", content: "Why?" },
        ],
        ...settings,
        chat: { id: "c1", message: "m2" },
      });
    },
  );

  it("may be its last message alone, or have no chat", verifies("ui-request"), () => {
    const message = user("m1", text("hi"));
    const asked = [{ role: "user", content: "hi" }];
    expect(command({ id: "c1", message })).toMatchObject({
      messages: asked,
      chat: { id: "c1", message: "m1" },
    });
    expect(command({ messages: [message] })).toMatchObject({ messages: asked, chat: undefined });
  });

  it("is another answer where it is to be made anew", verifies("ui-request"), () => {
    const body = { id: "c1", messages: [user("m1", text("hi"))], trigger: "regenerate-message" };
    expect(command(body).chat).toEqual({ id: "c1", message: undefined });
    expect(command({ id: "c1", message: user(undefined, text("hi")) }).chat).toEqual({
      id: "c1",
      message: undefined,
    });
  });

  it(
    "cannot hold what a model cannot be told, and the part is named",
    verifies("ui-request"),
    () => {
      const file = { type: "file", mediaType: "image/png", url: "data:," };
      expect(() =>
        command({ messages: [user("m", text("a")), user("n", text("b"), file)] }),
      ).toThrow(refusal("messages.1.parts.1"));
      expect(() => command({ message: user("m", { type: "text" }) })).toThrow(
        refusal("message.parts.0"),
      );
      expect(() => command({ message: user("m") })).toThrow(refusal("message.parts"));
      expect(() => command({ messages: [user("m", { type: "data-x", data: 1 })] })).toThrow(
        refusal("messages.0.parts"),
      );
    },
  );
});
