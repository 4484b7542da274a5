import { describe, expect, it } from "vitest";
import type { ServiceError } from "../../src/errors.ts";
import { validate } from "../../src/routes/body.ts";
import { completionCommandOf } from "../../src/routes/openai-command.ts";
import { completionRequestSchema } from "../../src/wire/openai.ts";
import { verifies } from "../support/verifies.ts";

const HI = { role: "user", content: "hi" };
const WEATHER = { type: "function", function: { name: "weather" } };
const call = (input: string, id = "call_1") => ({
  id,
  type: "function",
  function: { name: "weather", arguments: input },
});

const commandOf = (body: object) =>
  completionCommandOf(validate(completionRequestSchema, { messages: [HI], ...body }));
/** The member that is named, and why. */
function refusalOf(body: object): string {
  try {
    commandOf(body);
  } catch (error) {
    return `${(error as ServiceError).code} ${(error as ServiceError).message}`;
  }
  return "taken";
}

describe("a request to OpenAI's API", () => {
  it("asks for all that a model can be asked", verifies("openai-request"), () => {
    const parameters = { type: "object", properties: { city: { type: "string" } } };
    const command = commandOf({
      model: "demo",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "developer", content: [{ type: "text", text: "Be kind." }] },
        {
          role: "user",
          content: [
            { type: "text", text: "One." },
            { type: "text", text: "Two." },
          ],
          name: "ada",
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [call('{"city":"Ulm"}'), call(" ", "call_2")],
        },
        { role: "tool", tool_call_id: "call_2", content: "rain" },
        { role: "assistant", content: "Rain." },
        HI,
      ],
      max_tokens: 7,
      max_completion_tokens: 7,
      temperature: 0.5,
      top_p: 0.9,
      presence_penalty: -2,
      frequency_penalty: 2,
      seed: -1,
      stop: "END",
      reasoning_effort: "minimal",
      verbosity: "low",
      n: 1,
      tools: [
        {
          type: "function",
          function: { name: "weather", description: "Now.", parameters, strict: true },
        },
        WEATHER,
      ],
      tool_choice: WEATHER,
      // What is not known here changes nothing.
      user: "ada",
      store: true,
      parallel_tool_calls: true,
      top_logprobs: 0,
      logit_bias: {},
      modalities: ["text"],
      prediction: { type: "content", content: "a guess" },
    });
    expect(command).toEqual({
      model: "demo",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "system", content: "Be kind." },
        { role: "user", content: "One.\nTwo." },
        {
          role: "assistant",
          content: "",
          toolCalls: [
            { toolCallId: "call_1", toolName: "weather", input: '{"city":"Ulm"}' },
            { toolCallId: "call_2", toolName: "weather", input: "{}" },
          ],
        },
        { role: "tool", toolCallId: "call_2", toolName: "weather", content: "rain" },
        { role: "assistant", content: "Rain.", toolCalls: undefined },
        { role: "user", content: "hi" },
      ],
      maxTokens: 7,
      temperature: 0.5,
      topP: 0.9,
      presencePenalty: -2,
      frequencyPenalty: 2,
      seed: -1,
      stop: ["END"],
      reasoningEffort: "minimal",
      verbosity: "low",
      tools: [
        { name: "weather", description: "Now.", parameters },
        { name: "weather", description: undefined, parameters: { type: "object", properties: {} } },
      ],
      toolChoice: { toolName: "weather" },
    });
  });

  it("may leave out, or say null of, whatever it does not need", verifies("openai-request"), () => {
    const names = Object.keys(completionRequestSchema.shape).filter((name) => name !== "messages");
    const nulls = Object.fromEntries(names.map((name) => [name, null]));
    expect(commandOf(nulls)).toEqual(commandOf({}));
    expect(Object.values(commandOf({})).filter((value) => value !== undefined)).toHaveLength(1);
    expect(commandOf({ tools: [], tool_choice: "auto" })).toMatchObject({ toolChoice: "auto" });
    expect(commandOf({ tools: [WEATHER], tool_choice: "required" }).toolChoice).toBe("required");
  });

  it.each([
    [{ messages: [] }, "messages"],
    [{ messages: undefined }, "messages"],
    [{ messages: [{ role: "robot", content: "hi" }] }, "messages.0.role"],
    [{ messages: [HI, { role: "user" }] }, "messages.1.content"],
    [{ messages: [{ role: "user", content: "" }] }, "messages.0.content"],
    [{ messages: [{ role: "user", content: [] }] }, "messages.0.content"],
    [{ messages: [{ role: "user", content: [{ type: "text", text: "" }] }] }, "messages.0.content"],
    [
      {
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "a" },
              { type: "image_url", image_url: {} },
            ],
          },
        ],
      },
      "messages.0.content.1.type",
    ],
    [
      { messages: [{ role: "tool", tool_call_id: "call_1", content: "x" }] },
      "messages.0.tool_call_id",
    ],
    [
      { messages: [{ role: "assistant", tool_calls: [call("{")] }] },
      "messages.0.tool_calls.0.function.arguments",
    ],
    [{ model: "" }, "model"],
    [{ temperature: 9 }, "temperature"],
    [{ temperature: -0.1 }, "temperature"],
    [{ temperature: "1" }, "temperature"],
    [{ top_p: 1.1 }, "top_p"],
    [{ presence_penalty: -2.1 }, "presence_penalty"],
    [{ frequency_penalty: 2.1 }, "frequency_penalty"],
    [{ max_tokens: -1 }, "max_tokens"],
    [{ max_completion_tokens: 0 }, "max_completion_tokens"],
    [{ max_tokens: 1.5 }, "max_tokens"],
    [{ seed: 0.5 }, "seed"],
    [{ stop: ["a", "b", "c", "d", "e"] }, "stop"],
    [{ stop: [""] }, "stop.0"],
    [{ n: 2 }, "n"],
    [{ logprobs: true }, "logprobs"],
    [{ response_format: { type: "json_object" } }, "response_format.type"],
    [{ max_tokens: 5, max_completion_tokens: 7 }, "max_tokens"],
    [{ top_logprobs: 2 }, "top_logprobs"],
    [{ logit_bias: { "50256": -100 } }, "logit_bias.50256"],
    [{ reasoning_effort: 3 }, "reasoning_effort"],
    [{ verbosity: "very low" }, "verbosity"],
    [{ parallel_tool_calls: false }, "parallel_tool_calls"],
    [{ functions: [{ name: "weather" }] }, "functions"],
    [{ function_call: "auto" }, "function_call"],
    [{ modalities: ["text", "audio"] }, "modalities.1"],
    [{ audio: { voice: "alloy", format: "mp3" } }, "audio"],
    [{ web_search_options: {} }, "web_search_options"],
    [
      { messages: [{ role: "assistant", function_call: { name: "a", arguments: "" } }] },
      "messages.0.function_call",
    ],
    [{ stream: "yes" }, "stream"],
    [{ stream_options: { include_usage: 1 } }, "stream_options.include_usage"],
    [{ tools: [{ type: "function", function: { name: "a b" } }] }, "tools.0.function.name"],
    [{ tools: [{ type: "web_search" }] }, "tools.0.type"],
    [{ tool_choice: "maybe" }, "tool_choice"],
    [{ tool_choice: "required" }, "tool_choice"],
    [{ tool_choice: WEATHER, tools: [] }, "tool_choice"],
    [
      { tool_choice: { type: "function", function: { name: "time" } }, tools: [WEATHER] },
      "tool_choice.function.name",
    ],
  ])("%j is refused, and names %s", verifies("openai-request", "openai-errors"), (body, field) => {
    expect(refusalOf(body)).toMatch(
      new RegExp(`^invalid-body ${field.replaceAll(".", "\\.")}: .+\\.$`),
    );
  });
});
