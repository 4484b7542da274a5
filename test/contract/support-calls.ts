import { CHAT, CHAT_CALLS, UI_CHAT, UNREACHABLE_CHAT_CALLS } from "./support-chat-calls.ts";
import { type Call, NDJSON, SSE } from "./support-exercise.ts";
import { STREAM_CALLS, STREAMS } from "./support-stream-calls.ts";

/** The limits that the service of these calls has. */
export const LIMITS = { MAX_BODY_SIZE: "4KiB", MAX_EVENT_SIZE: "1KiB", BODY_TIMEOUT: "150ms" };

type Base = Pick<Call, "operation" | "path" | "body">;

const STATUS: Base = {
  operation: "publishStatus",
  path: { name: "web-1" },
  body: '{"phase":"Up"}',
};
const NOTIFY: Base = { operation: "publishNotification", body: '{"to":"all","title":"Hi"}' };
const PUBLISH: Base = {
  operation: "publishEvents",
  path: { topic: "app:orders" },
  body: '{"type":"order.created","data":1}',
};
const INGEST: Base = { operation: "ingestLogs", path: { name: "web-1" }, body: '{"message":"x"}' };

export const COMPLETION: Base = {
  operation: "createCompletion",
  body: '{"messages":[{"role":"user","content":"hi"}]}',
};

/** Operations that read a whole body, with one that is right. */
const WITH_BODY = [CHAT, UI_CHAT, COMPLETION, STATUS, NOTIFY, PUBLISH];

const refused = (code: string, field?: string) => ({ status: 400, code, ...(field && { field }) });
const parameter = (field: string) => refused("invalid-parameter", field);
/** A body that is refused for one member. */
const body = (base: Base, text: string, field: string): Call => ({
  ...base,
  body: text,
  ...refused("invalid-body", field),
});

const endless = () =>
  new ReadableStream<Uint8Array>({ start: (out) => out.enqueue(Buffer.from("{")) });
const noText = new Uint8Array([0x22, 0xff, 0x22]);
const long = JSON.stringify("x".repeat(5_000));
const picture = { "content-type": "image/png" };

const everyBody = (base: Base): Call[] => [
  { ...base, body: '{"phase":', ...refused("invalid-json", "body") },
  { ...base, body: noText, ...refused("invalid-utf8", "body") },
  { ...base, body: '{"unheard":"of"}', ...refused("invalid-body") },
  { ...base, body: long, status: 413, code: "too-large", field: "body" },
  { ...base, headers: picture, status: 415, code: "unsupported-media-type", field: "Content-Type" },
  { ...base, headers: { "idempotency-key": "a b" }, ...parameter("Idempotency-Key") },
  { ...base, query: "user=a%20b", ...parameter("user") },
  { ...base, body: endless(), status: 408, code: "body-timeout" },
];

/** Names that no grammar takes, as they stand in a path. */
const BAD_NAMES = ["WEB", "we%2Fb", "we%25b", "a".repeat(300), "%E0%A4%A"];

const badNames = (operation: string, text?: string): Call[] =>
  BAD_NAMES.map((name) => ({
    operation,
    path: { name },
    ...(text !== undefined && { body: text }),
    ...parameter("name"),
  }));

const BAD_TOPICS = ["nope", "app:", "app:A", "app:a%2Fb", "status:web-1", "chat:gen-1"];

const ingest = (text: string | typeof noText, rest: Partial<Call> = {}): Call => ({
  ...INGEST,
  headers: { "content-type": NDJSON },
  body: text,
  status: 201,
  media: NDJSON,
  ...rest,
});
const badIngest = (text: string | typeof noText, code: string, status = 400): Call => {
  return ingest(text, { status, code, media: "application/problem+json" });
};

const ndjson = { headers: { "content-type": NDJSON } };

const PUBLISH_CALLS: readonly Call[] = [
  ...WITH_BODY.flatMap(everyBody),
  ...badNames("publishStatus", '{"phase":"a"}'),
  { ...STATUS, status: 201 },
  body(STATUS, '{"ready":3}', "phase"),
  body(STATUS, '{"phase":""}', "phase"),
  body(STATUS, "[1]", "body"),

  { ...NOTIFY, body: '{"to":{"user":"bob"},"title":"Hi","level":"info","data":[1]}', status: 201 },
  { ...NOTIFY, body: '{"to":{"channel":"ops"},"title":"Hi","body":"there"}', status: 201 },
  body(NOTIFY, '{"to":"nobody","title":"Hi"}', "to"),
  body(NOTIFY, '{"to":"all","title":""}', "title"),

  { ...PUBLISH, path: { topic: "app%3Aorders" }, status: 201 },
  { ...PUBLISH, body: '[{"type":"a","data":1},{"type":"b","data":null}]', status: 201 },
  { ...PUBLISH, ...ndjson, body: '{"type":"a","data":1}\n{"type":"b","data":"x"}\n', status: 201 },
  { ...PUBLISH, ...ndjson, body: '{"type":"a","data":1}\n{"type', ...refused("invalid-line") },
  {
    ...PUBLISH,
    body: `{"type":"a","data":"${"x".repeat(2_000)}"}`,
    status: 413,
    code: "too-large",
  },
  body(PUBLISH, '{"type":"gap","data":1}', "type"),
  body(PUBLISH, '{"type":"A","data":1}', "type"),
  body(PUBLISH, '{"type":"a"}', "data"),
  body(PUBLISH, '[{"type":"a","data":1,"x":2}]', "0.x"),
  body(PUBLISH, "[]", "body"),
  ...BAD_TOPICS.map((topic): Call => ({ ...PUBLISH, path: { topic }, ...parameter("topic") })),

  ...badNames("ingestLogs", "a\n"),
  ingest('{"level":"warn","source":"http","message":"slow","fields":{"ms":9}}\n{"message":"x"}'),
  ingest("plain\r\ntext\n", { headers: { "content-type": "text/plain" } }),
  ingest(""),
  {
    ...INGEST,
    headers: picture,
    status: 415,
    code: "unsupported-media-type",
    field: "Content-Type",
  },
  ingest('{"message":"in"}\n{"mess', { query: "progress=true" }),
  { ...INGEST, query: "progress=maybe", ...parameter("progress") },
  badIngest('{"level":"loud","message":"x"}', "invalid-line"),
  badIngest('{"message":"x","time":"yesterday"}', "invalid-line"),
  badIngest(noText, "invalid-utf8"),
  badIngest(`{"message":"${"x".repeat(2_000)}"}`, "too-large", 413),
  { ...INGEST, headers: { "idempotency-key": "ü" }, ...parameter("Idempotency-Key") },
];

const COMPLETION_CALLS: readonly Call[] = [
  { ...COMPLETION, status: 200, media: "application/json" },
  // OpenAI's clients say so of streams, too.
  {
    ...COMPLETION,
    headers: { accept: "application/json", authorization: "Bearer anything" },
    body: '{"model":"demo","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}',
    status: 200,
    media: SSE,
  },
  body(COMPLETION, '{"messages":[]}', "messages"),
  body(COMPLETION, '{"messages":[{"role":"robot","content":"hi"}]}', "messages.0.role"),
  body(COMPLETION, '{"messages":[{"role":"user","content":""}]}', "messages.0.content"),
  {
    ...COMPLETION,
    body: '{"model":"unheard-of","messages":[{"role":"user","content":"hi"}]}',
    status: 404,
    code: "model_not_found",
    field: "model",
  },
  ...[
    [502, "model-failed"],
    [503, "model-unavailable"],
    [504, "model-first-token-timeout"],
  ].flatMap(([status, code]) =>
    [true, false].map((stream): Call => ({
      ...COMPLETION,
      body: JSON.stringify({
        messages: [{ role: "user", content: `#!demo retry-after=2s fail=${code}` }],
        stream,
      }),
      status: Number(status),
      code: String(code),
    })),
  ),
  // Once the head is out, a failure is told in the stream.
  {
    ...COMPLETION,
    body: '{"stream":true,"messages":[{"role":"user","content":"#!demo delay=30ms reason=2 tokens=3 fail=model-failed"}]}',
    status: 200,
    media: SSE,
  },
  {
    ...COMPLETION,
    body: '{"messages":[{"role":"user","content":"#!demo reason=2 tool=weather\\nUlm"}],"tools":[{"type":"function","function":{"name":"weather"}}]}',
    status: 200,
  },
  { operation: "listModels", status: 200 },
  { operation: "getModel", path: { model: "demo" }, status: 200 },
  {
    operation: "getModel",
    path: { model: "unheard%2Fof" },
    status: 404,
    code: "model_not_found",
    field: "model",
  },
];

/** Whatever can be asked of a service without knowing what it has answered before. */
export const CALLS: readonly Call[] = [
  ...["livez", "health", "readyz", "ready"].map((id): Call => ({ operation: id, status: 200 })),
  { operation: "metrics", status: 200 },
  { operation: "openapi", status: 200 },
  { operation: "listConnections", status: 200 },
  { operation: "closeConnection", path: { id: "nobody" }, status: 404, code: "not-found" },
  { operation: "listWukongs", status: 200, media: "application/json" },
  { operation: "listWukongs", headers: { accept: NDJSON }, status: 200, media: NDJSON },
  { operation: "getWukong", path: { name: "web-1" }, status: 200 },
  { operation: "getWukong", path: { name: "nobody" }, status: 404, code: "not-found" },
  { operation: "deleteWukong", path: { name: "nobody" }, status: 404, code: "not-found" },
  ...["getWukong", "deleteWukong", "streamStatus", "streamLogs"].flatMap((id) => badNames(id)),
  { operation: "openConsole", path: { name: "web-1" }, status: 426, code: "upgrade-required" },
  ...PUBLISH_CALLS,
  ...CHAT_CALLS,
  ...COMPLETION_CALLS,
  ...STREAM_CALLS,
];

/** What a service answers that cannot reach its Redis: streams open and wait, and all else is told. */
export const UNREACHABLE_CALLS: readonly Call[] = [
  { operation: "livez", status: 200 },
  ...["readyz", "ready"].map((id): Call => ({ operation: id, status: 503 })),
  ...UNREACHABLE_CHAT_CALLS,
  ...[
    COMPLETION,
    STATUS,
    NOTIFY,
    PUBLISH,
    INGEST,
    ...["listWukongs", "getWukong", "deleteWukong"].map((id) => ({
      operation: id,
      path: { name: "web-1" },
    })),
  ].map((base): Call => ({ ...base, status: 503, code: "log-unavailable" })),
  {
    operation: "streamEvents",
    query: "topic=app:orders&format=json",
    status: 503,
    code: "log-unavailable",
  },
  ...STREAMS.map((base): Call => ({
    ...base,
    status: 200,
    media: SSE,
    until: "event: connected\n",
  })),
];
