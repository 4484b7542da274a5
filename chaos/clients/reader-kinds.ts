import { createNdjsonDecoder, createSseDecoder, createTextDecoder } from "./decoders.ts";
import type { ReaderKind } from "./reader.ts";
import { type Traits, traitsOf } from "./traits.ts";
import { createStreamVisit, type Visit, visitConsole, visitLongPoll } from "./visit.ts";

const sse = (envelope: boolean): Visit =>
  createStreamVisit("text/event-stream", () => createSseDecoder(envelope), false);
const ndjson = createStreamVisit("application/x-ndjson", createNdjsonDecoder, true);
const text = createStreamVisit("text/plain", createTextDecoder, true);

/** The topics of a run: each kind with a meaning of its own, and several that differ only in name. */
export const TOPICS = [
  "app:orders",
  "app:ticks",
  "app:bulk",
  "logs:web-1",
  "status:web-1",
  "notifications:all",
  "notifications:channel:ops",
] as const;

/** Topics that retention trims during a run. */
export const TRIMMED_KINDS: readonly string[] = ["status", "notifications"];

function events(topics: readonly string[], query: string): string {
  return `/api/v1/events?${topics.map((topic) => `topic=${topic}`).join("&")}&${query}`;
}

function kindOf(
  transport: string,
  visit: Visit,
  topics: readonly string[],
  path: string,
): ReaderKind {
  const fromEarliest = path.includes("from=earliest");
  return { transport, topics, path, fromEarliest, resumes: true, wants: undefined, visit };
}

/** Of the console's log, only what has these traits. */
function filtered(
  transport: string,
  visit: Visit,
  query: string,
  wants: (traits: Traits) => boolean,
): ReaderKind {
  const path = `/api/v1/wukongs/web-1/logs?from=earliest&${query}`;
  const kind = kindOf(transport, visit, ["logs:web-1"], path);
  return { ...kind, wants: (mark) => wants(traitsOf(mark)) };
}

/** So dear, on the noise that events are padded with, that a batch takes longer than a filter may at a time. */
const DEAR_REGEX = encodeURIComponent("(?:[xy]*x[xy]{1,10}){8}[cd]|needle");

const several = ["app:orders", "app:ticks", "logs:web-1", "notifications:all"];
const notifications = ["notifications:all", "notifications:channel:ops", "notifications:user:ops"];
const polled = ["app:orders", "status:web-1"];

/** Readers on every transport, over one topic and several; a run takes as many as it is asked for, in turn. */
export const READER_KINDS: readonly ReaderKind[] = [
  kindOf("sse", sse(true), ["app:orders"], events(["app:orders"], "from=earliest")),
  kindOf("ndjson", ndjson, several, events(several, "from=earliest")),
  kindOf("websocket", visitConsole, ["status:web-1"], "/ws/wukong/web-1"),
  {
    transport: "text",
    topics: ["logs:web-1"],
    path: "/api/v1/wukongs/web-1/logs?format=text&tail=50",
    fromEarliest: false,
    resumes: false,
    wants: undefined,
    visit: text,
  },
  kindOf("sse", sse(true), TOPICS, events(TOPICS, "from=earliest")),
  kindOf("ndjson", ndjson, ["app:bulk"], events(["app:bulk"], "from=earliest")),
  kindOf("sse", sse(false), ["status:web-1"], "/api/v1/wukongs/web-1/stream"),
  kindOf("sse", sse(false), ["logs:web-1"], "/api/v1/wukongs/web-1/logs?from=earliest"),
  kindOf("ndjson", ndjson, notifications, "/api/v1/notifications?user=ops&channel=ops"),
  kindOf("ndjson", ndjson, ["app:ticks"], events(["app:ticks"], "from=latest")),
  kindOf("long-poll", visitLongPoll, polled, events(polled, "from=earliest&wait=1s")),
  kindOf(
    "sse",
    sse(false),
    ["logs:web-1"],
    "/api/v1/wukongs/web-1/logs?from=earliest&overflow=drop",
  ),
  filtered("ndjson", ndjson, `format=ndjson&regex=${DEAR_REGEX}`, ({ word }) => word === "needle"),
  filtered("sse", sse(false), "grep=needle", ({ word }) => word === "needle"),
  filtered("sse", sse(false), "level=warn", ({ level }) => level !== "info"),
];
