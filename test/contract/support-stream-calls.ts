import { type Call, NDJSON, SSE, TEXT } from "./support-exercise.ts";

const JSON_TYPE = "application/json";

type Base = Pick<Call, "operation" | "path" | "query">;

/** The topic streams, each with the least that it must be asked. */
export const STREAMS: readonly Base[] = [
  { operation: "streamStatus", path: { name: "web-1" } },
  { operation: "streamLogs", path: { name: "web-1" } },
  { operation: "streamNotifications" },
  { operation: "streamEvents", query: "topic=app:orders" },
];

/** A query that is refused for its last parameter, unless another is named. */
const refused = (base: Base, query: string, field = /(\w+)=[^=]*$/.exec(query)![1]!): Call => ({
  ...base,
  query: base.query ? `${base.query}&${query}` : query,
  status: 400,
  code: "invalid-parameter",
  field,
});

/** The whole backlog, without what comes later. */
const backlog = (
  base: Base,
  query: string,
  media: string,
  headers: Call["headers"] = {},
): Call => ({
  ...base,
  query: [base.query, query, "follow=false"].filter(Boolean).join("&"),
  headers,
  status: 200,
  media,
});

const BAD_QUERIES = [
  "last_event_id=garbage",
  "lastEventId=garbage",
  "evs_last_event_id=garbage",
  "since=yesterday",
  "tail=-1",
  "tail=99999",
  "tail=1&tail=2",
  "from=latest&tail=1",
  "from=middle",
  "until=tomorrow",
  "tail=1&until=5m",
  "before=garbage",
  "wait=61s",
  "wait=30",
  "follow=false&wait=1s",
  "format=ndjson&wait=1s",
  "format=json&limit=0",
  "format=json&limit=1001",
  "limit=5",
  "format=json&follow=true",
  "from=latest&before=1-1",
  "follow=maybe",
  "format=xml",
  "user=a%20b",
];

const everyStream = (base: Base): Call[] => [
  { ...base, status: 200, media: SSE, until: "event: live\n" },
  { ...base, headers: { accept: NDJSON }, status: 200, media: NDJSON, until: '"live"' },
  backlog(base, "from=earliest", SSE),
  backlog(base, "from=latest&format=ndjson", NDJSON),
  backlog(base, "tail=2", SSE, { accept: "*/*" }),
  backlog(base, "since=15m", SSE, { accept: SSE }),
  backlog(base, "since=15m&until=1m&format=ndjson", NDJSON),
  backlog(base, "since=2026-11-21T07:30:00Z&format=ndjson", NDJSON, { accept: SSE }),
  // A cursor that an EventSource repeats for ever must not kill it.
  backlog(base, "format=ndjson", NDJSON, { "last-event-id": "garbage" }),
  backlog(base, "format=sse", SSE, { "last-event-id": "x1.1-1" }),
  {
    ...backlog(base, "format=json&limit=1&from=earliest", JSON_TYPE),
    query: [base.query, "format=json&limit=1&from=earliest"].filter(Boolean).join("&"),
  },
  { ...backlog(base, "", JSON_TYPE, { accept: "application/json" }) },
  {
    ...base,
    query: [base.query, "wait=0"].filter(Boolean).join("&"),
    status: 200,
    media: JSON_TYPE,
  },
  ...BAD_QUERIES.map((query) => refused(base, query)),
  refused(base, "since=1m&until=5m", "since"),
];

const LOGS: Base = { operation: "streamLogs", path: { name: "web-1" } };
const NOTIFICATIONS: Base = { operation: "streamNotifications" };
const EVENTS: Base = { operation: "streamEvents" };
const MANY = Array.from({ length: 33 }, (_, index) => `topic=app:a${index}`).join("&");

export const STREAM_CALLS: readonly Call[] = [
  ...STREAMS.flatMap(everyStream),
  backlog(LOGS, "format=text", TEXT),
  backlog(LOGS, "tail=1", TEXT, { accept: "text/plain" }),
  backlog(LOGS, "level=warn&grep=lo&grep=s", SSE),
  backlog(LOGS, "level=info&source=http&not=never&regex=GET.*2%5Cd%5Cd&overflow=drop", SSE),
  refused(LOGS, "level=loud"),
  refused(LOGS, "not="),
  refused(LOGS, "regex=("),
  refused(LOGS, "regex=(%3F%3Da)b"),
  refused(LOGS, "regex=%5BA-z0-9%5D%7B250%7D"),
  refused(LOGS, `regex=${"a".repeat(257)}`),
  refused(LOGS, "source="),
  refused(LOGS, "overflow=queue"),
  refused(LOGS, "format=json&overflow=drop"),
  refused(LOGS, "wait=1s&overflow=drop"),
  ...["overflow=drop", "regex=a", "not=a", "source=a"].flatMap((query) =>
    [NOTIFICATIONS, { ...EVENTS, query: "topic=logs:web-1" }].map((base) => refused(base, query)),
  ),
  refused(LOGS, "grep="),
  backlog(NOTIFICATIONS, "user=bob&channel=ops&tail=5", SSE),
  refused(NOTIFICATIONS, "channel=OPS"),
  refused(NOTIFICATIONS, "format=text"),
  backlog(EVENTS, "topic=app:orders&topic=status:web-1&from=earliest&format=ndjson", NDJSON),
  refused(EVENTS, "", "topic"),
  refused(EVENTS, "topic=nope"),
  refused(EVENTS, "topic=app:a%2Fb"),
  refused(EVENTS, "topic=app:a&format=text"),
  refused(EVENTS, MANY),
];

/** What a service answers whose connections are all taken. */
export const FULL_CALLS: readonly Call[] = STREAMS.flatMap((base): Call[] => [
  { ...base, headers: { accept: NDJSON }, status: 503, code: "overloaded" },
  { ...base, headers: { accept: JSON_TYPE }, status: 503, code: "overloaded" },
  { ...base, headers: { accept: SSE }, status: 200, media: SSE },
]);

/** What `ada` is answered who has all the connections that she may have. */
export const LIMITED_CALLS: readonly Call[] = [
  ...STREAMS.flatMap((base): Call[] => {
    const query = [base.query, "user=ada"].filter(Boolean).join("&");
    return [
      { ...base, query, headers: { accept: NDJSON }, status: 429, code: "rate-limited" },
      { ...base, query, headers: { accept: SSE }, status: 200, media: SSE },
    ];
  }),
  ...["true", "false"].map((stream): Call => ({
    operation: "startChat",
    query: "user=ada",
    body: `{"prompt":"a","stream":${stream}}`,
    status: 429,
    code: "rate-limited",
  })),
  ...["true", "false"].map((stream): Call => ({
    operation: "createCompletion",
    query: "user=ada",
    body: `{"messages":[{"role":"user","content":"a"}],"stream":${stream}}`,
    status: 429,
    code: "rate_limit_exceeded",
  })),
];
