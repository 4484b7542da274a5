import { describe, expect, it } from "vitest";
import { z } from "zod";
import { chatRequestSchema } from "../../src/wire/chat.ts";
import { completionRequestSchema } from "../../src/wire/openai.ts";
import { uiChatRequestSchema, uiStopRequestSchema } from "../../src/wire/ui-chat.ts";
import { consoleRequestSchema } from "../../src/wire/console.ts";
import {
  eventSchema,
  logLineSchema,
  notificationSchema,
  statusSchema,
} from "../../src/wire/publish.ts";
import { at, consoleMessages, type Json, type Members, resolve } from "./support-document.ts";
import { faultOf } from "./support-schemas.ts";

const ANY_JSON = /^#\/\$defs\/__schema\d+$/;

/** Only what decides which documents are valid, in one order, without references. */
function normal(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(normal);
  if (schema === null || typeof schema !== "object") return schema;
  // zod writes `z.json()` as a recursive definition of what every schema holds anyway.
  if (typeof schema["$ref"] === "string" && ANY_JSON.test(schema["$ref"])) return {};
  const members = resolve(schema);
  const silent = new Set(["$schema", "$defs", "description", "examples", "default"]);
  const entries = Object.entries(members)
    .filter(([name]) => !silent.has(name))
    // A format says it already; and every member of an object has a text for a name.
    .filter(([name]) => !(name === "pattern" && "format" in members) && name !== "propertyNames")
    .map(([name, value]): [string, Json] => {
      if (name !== "properties")
        return [name, name === "required" ? [...(value as string[])].sort() : normal(value)];
      return [
        name,
        Object.fromEntries(Object.entries(value as Members).map(([key, of]) => [key, normal(of)])),
      ];
    });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const component = (name: string): Members => at(`#/components/schemas/${name}`) as Members;
const without = (schema: Json, refinement: string): Json => {
  const { [refinement]: _, ...rest } = schema as Members;
  return rest;
};

/** What zod checks in code, and the document as a keyword; the samples below hold these together. */
const documentedEvent = { ...(normal(component("EventDraft")) as Members) };
documentedEvent["properties"] = {
  ...(documentedEvent["properties"] as Members),
  type: without((documentedEvent["properties"] as Members)["type"]!, "not"),
};

const PAIRS: readonly (readonly [name: string, schema: z.ZodType, documented: Json])[] = [
  ["an event", eventSchema, documentedEvent],
  ["a status", statusSchema, normal(component("Status"))],
  ["a log line", logLineSchema, normal(component("LogLine"))],
  ["a notification", notificationSchema, normal(component("Notification"))],
  ["a chat request", chatRequestSchema, without(normal(component("ChatRequest")), "oneOf")],
  ["a request to OpenAI's API", completionRequestSchema, normal(component("CompletionRequest"))],
  ["a UI request", uiChatRequestSchema, without(normal(component("UiChatRequest")), "oneOf")],
  ["a stop", uiStopRequestSchema, normal(component("UiStopRequest"))],
];

describe("the document and the schemas say the same of", () => {
  it.each(PAIRS)("%s", (_, schema, documented) => {
    expect(normal(z.toJSONSchema(schema, { io: "input" }) as Json)).toEqual(documented);
  });

  it("each request on the console", () => {
    const requests = consoleRequestSchema.options.map((option) => [
      option.shape.type.value,
      normal(z.toJSONSchema(option, { io: "input" }) as Json),
    ]);
    const documented = Object.entries(consoleMessages("fromClient")).map(([type, schema]) => [
      type,
      normal(schema),
    ]);
    expect(Object.fromEntries(requests)).toEqual(Object.fromEntries(documented));
  });
});

const text = (length: number): string => "x".repeat(length);
const user = { role: "user", content: "hi" };
/** What the service calls a generation, and so no chat. */
const NAMED = "gen-00000000-0000-4000-8000-000000000000";
const said = { role: "user", parts: [{ type: "text", text: "hi" }] };

const SAMPLES: Record<string, readonly [schema: z.ZodType, samples: readonly unknown[]]> = {
  EventDraft: [
    eventSchema,
    [
      ...["a", "order.created", "a-1", text(63), text(64), "A", "1a", "", "a b", "a\n", "ä"].map(
        (type) => ({ type, data: 1 }),
      ),
      ...["connected", "live", "gap", "dropped", "heartbeat", "closed", "closed2"].map((type) => ({
        type,
        data: 1,
      })),
      ...[null, [], {}, "x", 1.5, true, { a: [null] }].map((data) => ({ type: "a", data })),
      { type: "a" },
      { data: 1 },
      { type: "a", data: 1, id: "1-1" },
      [],
      null,
    ],
  ],
  Status: [
    statusSchema,
    [
      { phase: "A" },
      { phase: text(64), x: {} },
      { phase: text(65) },
      { phase: "" },
      { phase: 1 },
      {},
      [],
    ],
  ],
  LogLine: [
    logLineSchema,
    [
      ...["2026-11-21T07:30:00Z", "2026-11-21T07:30:00.123+08:00", "2026-11-21", "now", ""].map(
        (time) => ({ time, message: "m" }),
      ),
      ...["trace", "fatal", "loud", "INFO", null].map((level) => ({ level, message: "m" })),
      ...[text(128), text(129), "", 1].map((source) => ({ source, message: "m" })),
      ...[{}, { a: 1, b: null }, [], "x"].map((fields) => ({ fields, message: "m" })),
      { message: "" },
      { message: 1 },
      { message: "m", more: 1 },
      {},
    ],
  ],
  Notification: [
    notificationSchema,
    [
      ...[
        "all",
        "none",
        { user: "bob" },
        { user: "b b" },
        { user: "" },
        { channel: "ops" },
        { channel: "OPS" },
        {},
      ].map((to) => ({ to, title: "t" })),
      { to: { user: "bob", channel: "ops" }, title: "t" },
      ...[text(256), text(257), "", 1].map((title) => ({ to: "all", title })),
      ...["info", "success", "warning", "error", "warn"].map((level) => ({
        to: "all",
        title: "t",
        level,
      })),
      ...[text(16_384), text(16_385), 1].map((body) => ({ to: "all", title: "t", body })),
      { to: "all", title: "t", data: null },
      { to: "all", title: "t", more: 1 },
      { title: "t" },
    ],
  ],
  ChatRequest: [
    chatRequestSchema,
    [
      {},
      ...["a", "", 1].map((prompt) => ({ prompt })),
      ...[
        [user],
        [],
        [{ ...user, role: "robot" }],
        [{ ...user, content: "" }],
        [{ ...user, name: "x" }],
      ].map((messages) => ({ messages })),
      { prompt: "a", messages: [user] },
      ...[0, 2, 2.1, -1, "1"].map((temperature) => ({ prompt: "a", temperature })),
      ...[1, 0, 1.5, 10_000_000, 10_000_001].flatMap((n) => [
        { prompt: "a", maxTokens: n },
        { prompt: "a", max_tokens: n },
      ]),
      ...["demo", "", text(129)].map((model) => ({ prompt: "a", model })),
      ...[true, "true"].map((stream) => ({ prompt: "a", stream })),
      ...["c", "", text(256), text(257), 1, NAMED].map((chatId) => ({ prompt: "a", chatId })),
      { prompt: "a", top_p: 1 },
    ],
  ],
  CompletionRequest: [
    completionRequestSchema,
    [
      ...[
        [user],
        [],
        [{ ...user, role: "robot" }],
        [{ ...user, content: "" }],
        [{ ...user, content: [{ type: "text", text: "a" }] }],
        [{ ...user, content: [{ type: "image_url", image_url: {} }] }],
        [{ role: "assistant", content: null }],
        [{ role: "tool", content: "a" }],
      ].map((messages) => ({ messages })),
      { messages: [user], unheard: "of" },
      ...[0, 2.1, null].map((temperature) => ({ messages: [user], temperature })),
      ...[0, 1, null].map((n) => ({ messages: [user], n })),
      ...[
        { top_logprobs: 0 },
        { top_logprobs: 1 },
        { logit_bias: {} },
        { logit_bias: { a: 1 } },
        { reasoning_effort: "low" },
        { verbosity: "LOW" },
        { parallel_tool_calls: true },
        { parallel_tool_calls: false },
        { functions: null },
        { functions: [] },
        { function_call: "none" },
        { modalities: ["text"] },
        { modalities: ["audio"] },
        { audio: {} },
        { web_search_options: {} },
      ].map((more) => ({ messages: [user], ...more })),
      { messages: [{ role: "assistant", function_call: {} }] },
      ...["a", ["a"], ["a", "b", "c", "d", "e"], ""].map((stop) => ({ messages: [user], stop })),
    ],
  ],
  UiChatRequest: [
    uiChatRequestSchema,
    [
      {},
      { messages: [said] },
      { message: said },
      { message: said, messages: [said] },
      { messages: [] },
      ...["c", "", text(256), text(257), null, "gen-1", NAMED].map((id) => ({
        id,
        messages: [said],
      })),
      ...["submit-message", "regenerate-message", "resume"].map((trigger) => ({
        trigger,
        message: said,
      })),
      ...[
        { role: "robot" },
        { parts: "hi" },
        { parts: [{}] },
        { parts: [{ type: "text", text: 1 }] },
        { parts: [{ type: "step-start" }] },
        { parts: [], more: 1 },
        { id: text(257) },
      ].map((change) => ({ message: { ...said, ...change } })),
      ...[0, 2, 2.1].map((temperature) => ({ temperature, message: said })),
      ...[0, 1, 10_000_001].map((maxTokens) => ({ maxTokens, message: said })),
    ],
  ],
  UiStopRequest: [
    uiStopRequestSchema,
    [{}, { activeStreamId: "g" }, { activeStreamId: null }, { activeStreamId: 1 }, [], null],
  ],
};

describe("the document and the schemas take and refuse the same", () => {
  it.each(Object.entries(SAMPLES))("%s", (name, [schema, samples]) => {
    const verdicts = samples.map((sample) => {
      const documented = faultOf(component(name), sample) === undefined;
      return [
        JSON.stringify(sample).slice(0, 80),
        schema.safeParse(sample).success,
        documented,
      ] as const;
    });
    for (const [sample, byZod, documented] of verdicts)
      expect([sample, documented]).toEqual([sample, byZod]);
    expect(new Set(verdicts.map(([, byZod]) => byZod))).toEqual(new Set([true, false]));
  });
});
