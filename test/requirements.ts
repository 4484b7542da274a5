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
  gaps: {
    source: "issue 2; DESIGN §4.3",
    text: "History trimmed, topic deleted, Redis flushed: exactly one truthful gap, missed exact where it can be",
  },
  "bad-cursor": {
    source: "issue 2; DESIGN §4.9",
    text: "A garbage cursor: header → gap, query → 400",
  },
  "latest-only": {
    source: "DESIGN §6",
    text: "A lagging status reader gets dropped {from, to, count} and then the newest",
  },
  "slow-readers": {
    source: "issue 2; DESIGN §4.4, §4.5",
    text: "200 readers that never read beside 50 that do: the 50 get all, memory stays bounded",
  },
  "full-server": {
    source: "issue 2; DESIGN §4.9",
    text: "A full server: an EventSource survives and gets everything later, others get 503 with Retry-After",
  },
} as const;
