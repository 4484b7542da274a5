/** What the product must do, as data: each is cited by a test (`verifies`), and a test fails when one is not. */
export const REQUIREMENTS = {
  cuts: {
    source: "issue 2",
    text: "Readers cut at random bytes, 50 times over 6,000 events, get each event once, in order: EventSource and NDJSON, one topic and three, memory and Redis, alternating between two processes",
  },
  framing: {
    source: "issue 2",
    text: "No data, event name or log line injects or breaks a frame; any cut of the bytes re-parses to a prefix",
  },
  outage: {
    source: "issue 2; DESIGN §4.10, §4.11",
    text: "Redis killed by SIGKILL and restarted: streams stay open, publishes get 503 and their repetition doubles nothing",
  },
  "redis-version": {
    source: "issue 2",
    text: "A Redis older than 7.0 is refused at start with a clear message",
  },
  "heal-doorbell": { source: "issue 2; DESIGN §6", text: "A swallowed doorbell is healed" },
  "heal-hang": {
    source: "issue 2; DESIGN §6",
    text: "A follow connection that hangs without closing is noticed by the probe and healed",
  },
  "redis-forms": {
    source: "issue 3 §1",
    text: "Sentinel and Cluster are chosen by REDIS_URL, with passwords and TLS; what cannot work is said at start",
  },
  "redis-sentinel": {
    source: "issue 3 §1",
    text: "A failover by Sentinel is healed: streams stay open, nothing is lost or doubled untold",
  },
  "failover-told": {
    source: "issue 3 §1; DESIGN §4.1",
    text: "What an asynchronous failover takes back is told as a gap, at once, and nothing is given twice",
  },
  "redis-cluster": {
    source: "issue 3 §1",
    text: "A master of three killed, and its topics go on at its replica while the others never stop",
  },
  "slot-moves": {
    source: "issue 3 §1",
    text: "A slot migrated while topics in it are live: publishes without a key succeed all along, those with a new key get 503 while it is half moved and are in once when repeated, readers get each event once",
  },
  "probe-per-master": {
    source: "issue 3 §1; DESIGN §6",
    text: "A half-open follow connection to any one master is noticed by that master's probe and healed",
  },
  "buffer-overrun": {
    source: "issue 3",
    text: "The subscriber's output buffer overrun by a burst of large events is healed and does not loop",
  },
  gaps: {
    source: "issue 2; DESIGN §4.3",
    text: "History trimmed, topic deleted, Redis flushed: exactly one truthful gap, missed exact where it can be",
  },
  "bad-cursor": {
    source: "issue 2; DESIGN §4.9",
    text: "A garbage cursor: header → gap, query → 400",
  },
  filters: {
    source: "issue 3; DESIGN §8, §11",
    text: "Logs are filtered by level, source, grep, not and regex; a bad or dear expression is a 400 that says why, and no expression holds up the process",
  },
  overflow: {
    source: "issue 3; DESIGN §6",
    text: "A log reader with overflow=drop who falls behind gets dropped {from, to, count, url} and the newest; the url has exactly what lies between, with the reader's filters",
  },
  pages: {
    source: "issue 3; DESIGN §8",
    text: "JSON documents page through exactly the range, while it grows and is trimmed, each page bounded in events, bytes and work, with a Link to the next",
  },
  "long-poll": {
    source: "issue 3; DESIGN §8",
    text: "A long poll answers with what there is or what comes, tells gaps, misses nothing between polls, is a connection while it waits, and is answered at once by a drain",
  },
  bytes: {
    source: "issue 3; DESIGN §4.6",
    text: "A reader of each format and long-poll gets byte-identical events for the same range",
  },
  "latest-only": {
    source: "DESIGN §6",
    text: "A lagging status reader gets dropped {from, to, count} and then the newest",
  },
  ranges: {
    source: "issue 3; DESIGN §8",
    text: "A range (since, until, before, follow=false) holds exactly its events, by the log's clock and by what is in the log, tells what cannot be had, and ends as finished; an EventSource comes to rest",
  },
  "closed-topics": {
    source: "issue 3; DESIGN §7",
    text: "A stream of several topics ends as finished once all of them are closed; coming back gets 204",
  },
  memory: {
    source: "issue 3; DESIGN §4.4",
    text: "No write to a connection is larger than a batch or one event, in any format, with the cursor of 32 topics",
  },
  "bounded-rings": {
    source: "DESIGN §4.4",
    text: "The rings of a process take the memory that BUFFER_MEMORY says, whatever has been encoded of their events",
  },
  "page-size": {
    source: "DESIGN §15",
    text: "A replay reads from the log about what it delivers, however large the events are",
  },
  "shared-patterns": {
    source: "DESIGN §4.4",
    text: "Readers with the same regular expression share one automaton, and the states of all of them are bounded",
  },
  "slow-readers": {
    source: "issue 2; DESIGN §4.4, §4.5",
    text: "200 readers that never read beside 50 that do: the 50 get all, memory stays bounded",
  },
  "full-server": {
    source: "issue 2; DESIGN §4.9",
    text: "A full server: an EventSource survives and gets everything later, others get 503 with Retry-After",
  },
  admission: {
    source: "issue 3; DESIGN §7",
    text: "A newcomer to a full server waits in a bounded queue, first come first served, for a bounded time; whoever leaves is forgotten at once, and nothing is held or started for those who wait",
  },
  "connection-limits": {
    source: "issue 3; DESIGN §7",
    text: "A principal, or an address, has at most so many connections; one more is refused at once, and no count outlives what it counts",
  },
  "client-address": {
    source: "issue 3; DESIGN §7, §11",
    text: "A client's address is the right-most of X-Forwarded-For that is no trusted proxy, where the peer is one; nothing that a client writes changes it",
  },
  overload: {
    source: "issue 3; DESIGN §7",
    text: "A process whose event loop or memory stays overloaded sheds newcomers, and never those who are connected; a hiccup is no overload, and readiness stays",
  },
  "ui-stream": {
    source: "issue 4 §3",
    text: "The UI message stream holds only what every version of the AI SDK since 5.0 takes, and always ends with finish",
  },
  "ui-clients": {
    source: "issue 4",
    text: "useChat of ai 5, 6.0.0, 6 and 7: full answer, cut and resumed, a second device, two tabs, stop, failure, 409",
  },
  "ui-workflow": {
    source: "issue 4",
    text: "WorkflowChatTransport through a proxy that cuts at random bytes has the text of the log",
  },
  "fetch-event-source": {
    source: "issue 4 §3",
    text: "A client that repeats its POST with Last-Event-ID attaches, and never starts a second generation",
  },
  "ui-request": {
    source: "issue 4 §3",
    text: "POST /api/chat takes what the AI SDK's transports send, and names the part that a model cannot be told",
  },
  "ui-cursor": {
    source: "issue 4 §3; DESIGN §9",
    text: "By the generation's id a UI stream goes on from a cursor or a count of parts, after the end too; another's cursor is a 400",
  },
  "ui-stop": {
    source: "issue 4 §3",
    text: "Stop of a chat or a generation, from any process, repeatable, and deaf to a stale id",
  },
  "respond-async": {
    source: "issue 4 §3",
    text: "Prefer: respond-async answers 202 with Location at once, and the answer is made though nobody reads it",
  },
  "chat-formats": {
    source: "issue 4 §3",
    text: "Each format of an answer is a pure projection of its log, byte for byte; text is cut where the answer failed",
  },
  "chat-cuts": {
    source: "issue 4",
    text: "A reader cut at any byte and resumed by position gets the bytes of an uncut read, in every format of an answer",
  },
  "late-readers": {
    source: "issue 4 §4; DESIGN §9",
    text: "Who comes late without a cursor gets what has been said in few merged pieces, and the same text",
  },
  chat: {
    source: "issue 2; DESIGN §9",
    text: "A chat POST streams tokens as NDJSON or SSE, or answers one document; a snapshot tells how it stands",
  },
  "chat-resume": {
    source: "issue 2; DESIGN §9",
    text: "A chat answer cut at any byte and resumed on the other process is complete and undoubled",
  },
  "chat-stop": {
    source: "issue 2; DESIGN §9",
    text: "Stop on another process ends a generation, keeps the text, and is idempotent",
  },
  "chat-unfinished": {
    source: "issue 2; DESIGN §4.8",
    text: "An unfinished answer is never ended cleanly",
  },
  "chat-idempotent": {
    source: "DESIGN §9",
    text: "A POST that repeats under the same Idempotency-Key attaches to its generation, on any process",
  },
  "chat-characters": {
    source: "issue 4 §3",
    text: "A character that a model says in two halves is whole in every format",
  },
  "model-request": {
    source: "issue 4 §2",
    text: "An OpenAI-compatible upstream is sent the conversation, the model, the parameters and the key, and nothing that was not asked for",
  },
  "model-usage": {
    source: "issue 4 §3",
    text: "Usage is what the model has told, in every format; where it has told none, none is made up",
  },
  "model-tools": {
    source: "issue 4 §2, §3",
    text: "Tools, their calls and their results pass through to the model and back, with reasoning; none is run",
  },
  "model-errors": {
    source: "issue 4 §2",
    text: "Provider errors (401, 429 with retry-after, 500, a stream that breaks, garbage) become typed errors that the client can act on",
  },
  "model-secrets": {
    source: "issue 4 §2",
    text: "Keys never appear in a log or an answer, nor does a provider's text or address where callers see it",
  },
  "model-cancel": {
    source: "issue 4",
    text: "An abort cancels the upstream request, whatever its reason, and the process survives it",
  },
  "model-deadlines": {
    source: "issue 4 §1",
    text: "A first-token and an idle deadline for the provider, each with its own error",
  },
  "model-choice": {
    source: "issue 4 §2",
    text: "Several named models at once, one of them the default; demo is always there; an unknown one is a 400 that names those there are",
  },
  "demo-model": {
    source: "issue 4 §2",
    text: "The demo model is deterministic, answers with at least as many tokens as the prompt has words, and plays scripted errors, stalls, reasoning and tool calls",
  },
  "answer-chunks": {
    source: "issue 4 §3; DESIGN §9",
    text: "Whatever a model says becomes chunks whose blocks open and close, and whose tool calls are numbered and complete",
  },
  "chat-outage": {
    source: "DESIGN §9",
    text: "Redis away in mid-generation: the answer goes on afterwards, complete",
  },
  "chat-lease": {
    source: "issue 4 §1; DESIGN §9",
    text: "The process that writes an answer dies: every reader sees error, then finish, within lease and sweep time, and a zombie writer cannot append",
  },
  "chat-abandoned": {
    source: "issue 4 §1; DESIGN §9",
    text: "An answer that nobody reads any more, on any process, is ended after a while; one that is read goes on",
  },
  "chat-attach": {
    source: "issue 4 §1; DESIGN §9",
    text: "Asking again for the same message of a chat attaches to its answer; what has failed is tried again",
  },
  "chat-busy": {
    source: "issue 4 §1; DESIGN §9",
    text: "A chat has one answer under way: another message meanwhile gets 409 that names it",
  },
  "chat-limits": {
    source: "issue 4 §1",
    text: "Prompt, messages, tokens, answers per principal and answers per process are limited, each with its own error",
  },
  "chat-owner": {
    source: "issue 4, bad input",
    text: "Somebody else's generation cannot be read, stopped or seen to be there",
  },
  "chat-metrics": {
    source: "issue 4 §5",
    text: "Generations by state and model, time to first token, tokens per second, stops, abandonments and lost leases are counted",
  },
  "openai-format": {
    source: "issue 4 §3; research §3.1",
    text: "OpenAI's chunks and JSON are projections of the log: text, reasoning, calls of tools, usage, every finish reason; equal on any process",
  },
  "openai-request": {
    source: "issue 4 §3",
    text: "OpenAI's requests are taken as its clients send them; what is not done is refused and never ignored where it would change the answer",
  },
  "openai-errors": {
    source: "issue 4 §3, bad input; research §3.1",
    text: "Every error under /v1 has OpenAI's shape, its status and param, and says when, and whether, to try again; an answer that fails is never a short success",
  },
  "openai-clients": {
    source: "issue 4, it must show",
    text: "openai 6 and 7 stream and do not, get usage, tool calls and errors as theirs, honour 429 and 409, and list models; @ai-sdk/openai-compatible reads us too",
  },
  "openai-abort": {
    source: "issue 4, it must show; DESIGN §9",
    text: "A client of OpenAI's API that leaves aborts the model, since nobody can come back",
  },
  "http-traps": {
    source: "issue 2; DESIGN §7",
    text: "HEAD, HTTP/1.0, pipelining, keep-alive reuse and departures on the raw socket behave",
  },
  heartbeats: {
    source: "issue 2; DESIGN §7",
    text: "Silence is filled with heartbeats, and a heartbeat event tells of a cursor that filtered events have moved",
  },
  "max-age": {
    source: "issue 2; DESIGN §7",
    text: "Connections end at a jittered maximum age and are told to come back",
  },
  stalls: {
    source: "issue 2; DESIGN §7",
    text: "A connection that takes nothing for STALL_TIMEOUT is let go",
  },
  connections: { source: "issue 2; DESIGN §7", text: "Operators list and close connections" },
  shutdown: {
    source: "issue 2; DESIGN §4.12, §12",
    text: "SIGTERM tells every client, within a bound, and the process ends by itself with 0",
  },
  console: {
    source: "issue 2; DESIGN §10",
    text: "/ws/wukong/{name}: connected, status on change, ping, errors for bad messages, resume",
  },
  ingest: {
    source: "issue 2; DESIGN §8",
    text: "Log ingest is streamed, acknowledges per batch, names a bad line and says what is in, and a repetition skips what is in",
  },
  "ingest-answer": {
    source: "issue 5 §3",
    text: "An upload is answered when it is in, because gateways cannot be relied on to go on sending what is answered already; its progress is told on request",
  },
  logs: {
    source: "issue 2; DESIGN §8",
    text: "Tail with tail, since, follow, level, grep, as SSE, NDJSON and text",
  },
  wukongs: { source: "issue 2; DESIGN §8", text: "Wukongs: list, one, status, stream, delete" },
  notifications: {
    source: "issue 2; DESIGN §8",
    text: "Notifications reach all, a user and a channel over one multi-topic cursor",
  },
  idempotency: {
    source: "DESIGN §5",
    text: "A publish repeated under its key gives the same ids and nothing twice; another body gets 422",
  },
  "body-timeout": {
    source: "issue 2",
    text: "A POST that never sends its body is answered and let go",
  },
  "two-processes": { source: "issue 2", text: "Two processes on one Redis behave as one" },
  tour: { source: "issue 2", text: "The README tour does what it shows, command by command" },
  agent: {
    source: "issue 2; DESIGN §10",
    text: "The agent runs any program, publishes its lines and state, ends as it does, and teaches with --help",
  },
  "agent-away": {
    source: "issue 2; DESIGN §10",
    text: "The agent repeats safely while the server is away: nothing lost within its buffer, nothing doubled, what was dropped is said",
  },
  "agent-spool": {
    source: "issue 3; DESIGN §10",
    text: "What the server has not acknowledged is on disk, bounded, and goes out once, whenever the agent is killed; a disk that fails is told and survived",
  },
  "agent-restarts": {
    source: "issue 3; DESIGN §10",
    text: "The agent starts its program again as its policy says, never after somebody asked for its end, and tells each phase",
  },
  "agent-usage": {
    source: "issue 3; DESIGN §10",
    text: "The status tells processor time and memory of the program and its children, and what the spool holds",
  },
  "agent-lines": {
    source: "issue 3; DESIGN §10",
    text: "Levels, loggers' JSON and stack traces are understood, within bounds, and nothing is lost of what is not",
  },
  "agent-flood": {
    source: "issue 3",
    text: "A program that prints without end, rubbish, or one endless line costs the agent bounded memory and disk, and what was dropped is said",
  },
  "json-depth": {
    source: "issue 3",
    text: "JSON that is nested too deeply is a 400 that names the field wherever it is handed in, and no line that a program prints ends its agent",
  },
  model: {
    source: "issue 2; DESIGN §4.1–4.3",
    text: "Any interleaving of publish, attach, drain, lost doorbell and heal keeps the invariants: a model of the hub against the real one",
  },
  "chaos-law": {
    source: "issue 3; DESIGN §4.1–4.3",
    text: "The fault matrix finds what is lost, doubled, out of order, untold, untrue or never in the log, and nothing where all is lawful",
  },
  "chaos-liveness": {
    source: "issue 3; DESIGN §4.2",
    text: "The fault matrix finds readers who are given nothing for longer than an audit, a probe and their own patience allow, though events are there for them",
  },
  "chaos-run": {
    source: "issue 3",
    text: "A short run of the fault matrix is clean on each form of the store, and ends all that it has started",
  },
  "chaos-controls": {
    source: "issue 3",
    text: "Planted bugs are found by the fault matrix: a skipped heal, a doubled append, an off-by-one at the cutover, a deaf reader",
  },
  bench: {
    source: "issue 3; DESIGN §15",
    text: "The benchmark runs every row against its peers, loses and doubles nothing, ends by itself, and leaves nothing behind however it ends",
  },
  "bench-paths": {
    source: "issue 3",
    text: "Many connections, many that come back at once and many idle ones: the same paths at 200 deliver all, once",
  },
  "bench-counts": {
    source: "issue 3",
    text: "The benchmark counts what each reader has lost and what it was given twice by the numbers of the events, so that one does not make up for the other",
  },
  "bench-chats": {
    source: "issue 4",
    text: "The benchmark runs many chats at once, whole, and tells their pace, their memory and the lag; and sets UI message streams against the AI SDK's own response, with and without resume",
  },
  "bench-compare": {
    source: "issue 3",
    text: "The comparison fails when a ratio falls by more than the margin against the committed table",
  },
  leaks: {
    source: "issue 3",
    text: "After thousands of connects and cuts of every transport, heap, handles, tails, channels and keys return to where they were",
  },
  gateways: {
    source: "issue 5 §3",
    text: "Through nginx, HAProxy and Caddy with the shipped files, SSE, chat, uploads, WebSockets and long polls are steady, resume after a cut, bear slow readers, silence and a rolling update",
  },
  "gateway-files": {
    source: "issue 5 §3",
    text: "The gateways' files pass the gateways' own checks, agree with each other and with the service, and hold no folklore; docs/gateways.md covers them",
  },
  "gateway-declarations": {
    source: "issue 5 §3",
    text: "The files for Kong, Traefik and APISIX hold only keys and plugins of a list of what these know and streams can stand; planted errors are refused",
  },
  "gateways-by-url": {
    source: "issue 5 §3",
    text: "The same checks hold any gateway to it, by its URL: GATEWAY_URL=… npm run test:gateway",
  },
  "gateway-controls": {
    source: "issue 5 §3",
    text: "A wrong configuration of each gateway, one that buffers or cuts, is seen to fail",
  },
  metrics: {
    source: "DESIGN §13",
    text: "README lists every metric of the service with its labels, and no other",
  },
  image: {
    source: "issue 5 §1",
    text: "The image is what the lock file and the build give and nothing else, the same from the same commit; it runs Node as PID 1, as a number that is not root, writes nothing and needs no shell",
  },
  compose: {
    source: "issue 5 §1",
    text: "The compose file is valid, mounts what is there, sets what the service reads, and puts each gateway before both services",
  },
  "first-event": {
    source: "issue 5 §4",
    text: "The time to the first event ends at live where there is none yet, so that a quiet topic is not taken for a slow one",
  },
  alerts: {
    source: "issue 5 §4",
    text: "Every alert is shown to fire and to stay silent, names only what the service exports, has its lines in the runbook, and is the same for Prometheus, its operator and Google's",
  },
  dashboard: {
    source: "issue 5 §4",
    text: "The dashboard shows every metric of the service and asks only for what a running service exports",
  },
  config: {
    source: "STYLE 3; DESIGN §14",
    text: "Configuration is a pure function of the environment that reports every problem at once",
  },
  overlays: {
    source: "issue 5 §2",
    text: "Every overlay of k8s/ builds with kubectl kustomize, and every component is in one; the one that is filled in fits on each of them",
  },
  "manifest-schemas": {
    source: "issue 5",
    text: "Every object of every overlay is held against its kind's schema, unknown fields, Kong's plugins and their keys included",
  },
  "manifest-rules": {
    source: "issue 5",
    text: "Every overlay agrees with itself and with the code: drain, timeouts, references, selectors, annotations, variables, memory, image, ports, TLS, metrics, who reaches whom, what leads in, what pods may, how they come, go and are counted, what the charts read, no folklore",
  },
  "documented-variables": {
    source: "issue 5",
    text: "No variable is documented that no code reads",
  },
  "documented-places": {
    source: "issue 5 §5",
    text: "What the documents link to and name of this repository is there: files, headings, overlays, components",
  },
  "documented-commands": {
    source: "issue 5 §5",
    text: "The guide's commands name what is there: namespaces, labels and objects of the cluster, ports of compose, gcloud's flags; and the overlay that it tells to write builds",
  },
  "documented-figures": {
    source: "issue 5 §5",
    text: "The guide's figures are those of the committed benchmark and of the manifests, and its estimates follow from them",
  },
  "manifest-errors": {
    source: "issue 5",
    text: "A planted error of each kind is caught, by name",
  },
} as const;

export type RequirementId = keyof typeof REQUIREMENTS;
