import { type Call, NDJSON, SSE, TEXT } from "./support-exercise.ts";

type Base = Pick<Call, "operation" | "path" | "body">;

const JSON_TYPE = "application/json";
/** It is under way for longer than what is asked meanwhile. */
const LONG = "word ".repeat(600);

export const CHAT: Base = { operation: "startChat", body: '{"prompt":"hi","stream":false}' };

const asked = (text: string) => ({ id: "msg-1", role: "user", parts: [{ type: "text", text }] });
const uiBody = (members: object, text = "hi"): string =>
  JSON.stringify({ messages: [asked(text)], ...members });

export const UI_CHAT: Base = { operation: "startUiChat", body: uiBody({}) };
const UI_STREAM: Base = { operation: "streamUiChat", path: { chatId: "chat-1" } };
const UI_STOP: Base = { operation: "stopUiChat", path: { chatId: "chat-1" } };

/** Of what the service calls a generation, and there is none. */
const NOBODYS = "gen-00000000-0000-4000-8000-000000000000";

const invalid = (base: Base, body: string, field: string): Call => {
  return { ...base, body, status: 400, code: "invalid-body", field };
};
const parameter = (field: string) => ({ status: 400, code: "invalid-parameter", field });
const absent = { status: 404, code: "not-found" };
const shows = (id: string) => ({ headers: { "last-event-id": id } });
const unread = { headers: { prefer: "respond-async" }, status: 202, media: JSON_TYPE };

const NATIVE_CALLS: readonly Call[] = [
  { ...CHAT, body: '{"prompt":"hello there"}', status: 200, media: NDJSON },
  { ...CHAT, body: '{"prompt":"hello"}', headers: { accept: SSE }, status: 200, media: SSE },
  {
    ...CHAT,
    body: '{"prompt":"hello"}',
    headers: { accept: "text/plain" },
    status: 200,
    media: TEXT,
  },
  { ...CHAT, headers: { accept: SSE }, status: 200, media: JSON_TYPE },
  {
    ...CHAT,
    body: '{"messages":[{"role":"user","content":"hi"}],"max_tokens":2}',
    headers: { accept: JSON_TYPE },
    status: 200,
    media: JSON_TYPE,
  },
  { ...CHAT, ...unread, body: JSON.stringify({ prompt: LONG, chatId: "native" }) },
  { ...CHAT, body: '{"prompt":"b","chatId":"native"}', status: 409, code: "chat-busy" },
  invalid(CHAT, '{"prompt":""}', "prompt"),
  invalid(CHAT, "{}", "prompt"),
  invalid(CHAT, '{"prompt":"a","messages":[{"role":"user","content":"b"}]}', "prompt"),
  invalid(CHAT, '{"prompt":"a","temperature":9}', "temperature"),
  invalid(CHAT, '{"prompt":"a","maxTokens":0}', "maxTokens"),
  invalid(CHAT, '{"prompt":"a","max_tokens":-1}', "max_tokens"),
  invalid(CHAT, '{"prompt":"a","maxTokens":1,"max_tokens":2}', "max_tokens"),
  invalid(CHAT, '{"prompt":"a","chatId":""}', "chatId"),
  invalid(CHAT, '{"messages":[{"role":"robot","content":"a"}]}', "messages.0.role"),
  { ...CHAT, body: '{"prompt":"a","model":"unheard-of"}', status: 400, code: "unknown-model" },
  { ...CHAT, ...shows("garbage"), ...parameter("Last-Event-ID") },
  { ...CHAT, ...shows("1795255569009-1"), ...parameter("Last-Event-ID") },
  { ...CHAT, ...shows(`${NOBODYS}:1795255569009-1`), ...absent },
  { operation: "streamEvents", query: `topic=chat:${NOBODYS}`, ...absent, field: "topic" },
  ...["getGeneration", "streamGeneration", "stopGeneration"].flatMap((id): Call[] => [
    { operation: id, path: { generation: "GEN" }, ...parameter("generation") },
    { operation: id, path: { generation: "gen-0" }, ...absent },
  ]),
];

const UI_CALLS: readonly Call[] = [
  { ...UI_CHAT, status: 200, media: SSE },
  { ...UI_CHAT, headers: { "content-type": "text/plain" }, status: 200, media: SSE },
  {
    ...UI_CHAT,
    body: JSON.stringify({ id: "last-only", message: asked("hi"), more: [1] }),
    status: 200,
    media: SSE,
  },
  { ...UI_CHAT, ...unread, body: uiBody({ id: "chat-2" }, LONG) },
  { ...UI_STREAM, path: { chatId: "chat-2" }, status: 200, media: SSE, until: "text-delta" },
  {
    ...UI_CHAT,
    body: uiBody({ id: "chat-2" }, "something else"),
    status: 409,
    code: "chat-busy",
  },
  { ...UI_STOP, path: { chatId: "chat-2" }, status: 200, media: JSON_TYPE },
  { ...UI_STREAM, path: { chatId: "chat-2" }, status: 204 },
  invalid(UI_CHAT, "{}", "messages"),
  invalid(UI_CHAT, '{"messages":[]}', "messages"),
  invalid(UI_CHAT, uiBody({ message: asked("hi") }), "messages"),
  invalid(UI_CHAT, uiBody({ id: "" }), "id"),
  invalid(UI_CHAT, uiBody({ trigger: "resume" }), "trigger"),
  invalid(UI_CHAT, uiBody({}, ""), "messages.0.parts"),
  invalid(
    UI_CHAT,
    JSON.stringify({
      messages: [
        asked("look"),
        {
          role: "user",
          parts: [
            { type: "text", text: "at" },
            { type: "file", url: "data:," },
          ],
        },
      ],
    }),
    "messages.1.parts.1",
  ),
  invalid(
    UI_CHAT,
    JSON.stringify({ message: { role: "user", parts: [{ type: "text" }] } }),
    "message.parts.0",
  ),
  { ...UI_CHAT, ...shows(`${NOBODYS}:1795255569009-1`), ...absent },
  { ...UI_CHAT, ...shows("1795255569009-1"), ...parameter("Last-Event-ID") },
  { ...UI_STREAM, status: 204 },
  { ...UI_STREAM, path: { chatId: NOBODYS }, ...absent },
  { ...UI_STREAM, ...shows("garbage"), ...parameter("Last-Event-ID") },
  { ...UI_STREAM, query: "startIndex=first", ...parameter("startIndex") },
  { ...UI_STREAM, query: "user=a%20b", ...parameter("user") },
  { ...UI_STOP, status: 200, media: JSON_TYPE },
  { ...UI_STOP, body: '{"activeStreamId":"gen-0","assistantMessage":{}}', status: 200 },
  { ...UI_STOP, path: { chatId: NOBODYS }, ...absent },
  invalid(UI_STOP, '{"activeStreamId":1}', "activeStreamId"),
  { ...UI_STOP, body: "{", status: 400, code: "invalid-json", field: "body" },
  { ...UI_STOP, body: JSON.stringify("x".repeat(5_000)), status: 413, code: "too-large" },
  {
    ...UI_STOP,
    body: "{}",
    headers: { "content-type": "image/png" },
    status: 415,
    code: "unsupported-media-type",
  },
  {
    ...UI_STOP,
    body: new ReadableStream<Uint8Array>({ start: (out) => out.enqueue(Buffer.from("{")) }),
    status: 408,
    code: "body-timeout",
  },
];

export const CHAT_CALLS: readonly Call[] = [...NATIVE_CALLS, ...UI_CALLS];

/** What a service answers that cannot reach its Redis. */
export const UNREACHABLE_CHAT_CALLS: readonly Call[] = [
  CHAT,
  UI_CHAT,
  UI_STREAM,
  UI_STOP,
  { operation: "streamEvents", query: `topic=chat:${NOBODYS}` },
  ...["getGeneration", "stopGeneration", "streamGeneration"].map((id) => ({
    operation: id,
    path: { generation: "gen-0" },
  })),
].map((base): Call => ({ ...base, status: 503, code: "log-unavailable" }));
