/** What Prometheus has scraped: by series, its values in promtool's notation, repeated to the end. */
export type Samples = Readonly<Record<string, string | number>>;

/** An alert's threshold, by what is just too little for it and what is just enough. */
export interface Boundary {
  readonly alert: string;
  readonly what: string;
  readonly below: Samples;
  readonly above: Samples;
  /** How long after the start what is just enough fires, to the evaluation; undefined where the window decides it. */
  readonly fires?: string;
}

type Pair = readonly [below: number | string, above: number | string];

const OURS = 'namespace="n",job="j",instance="a"';
const named = (name: string, labels = ""): string =>
  `${name}{${labels === "" ? OURS : `${OURS},${labels}`}}`;

/** @param series of the pair's value */
function boundary(
  alert: string,
  what: string,
  [below, above]: Pair,
  series: (value: number | string) => Record<string, string | number>,
  fires?: string,
): Boundary {
  return {
    alert: `NovaStream${alert}`,
    what,
    below: series(below),
    above: series(above),
    ...(fires === undefined ? {} : { fires }),
  };
}

/** A gauge, or one half of a share. */
const gauge = (name: string, value: number | string, labels = "") => ({
  [named(name, labels)]: value,
});
/** A counter that rises by so much in 30 s. */
const counter = (name: string, step: number | string, labels = "") => ({
  [named(name, labels)]: `0+${step}`,
});

const REQUESTS = (step: number) =>
  counter("streaming_response_duration_seconds_count", step, 'route="/api/v1/events"');
const SSE = 'transport="sse"';
const EVENTS = 'route="/api/v1/events"';
/** Of 30 in a quarter of an hour: just too few for "more than ten", and just enough. */
const FEW: Pair = [0.33, 0.34];

const slow = (name: string, le: string, labels: string, of: number) => (step: number | string) => ({
  ...counter(`${name}_count`, of, labels),
  ...counter(`${name}_bucket`, of - Number(step), `${labels === "" ? "" : `${labels},`}le="${le}"`),
});
const firstEvent = (of: number) => slow("streaming_time_to_first_event_seconds", "2.5", EVENTS, of);
const delivery = (of: number) => slow("streaming_delivery_latency_seconds", "0.5", "", of);
const outcomes = (of: number) => (step: number | string) => ({
  ...counter("streaming_connections_total", of - Number(step), `${SSE},outcome="accepted"`),
  ...counter("streaming_connections_total", step, `${SSE},outcome="overloaded"`),
});
const closes = (of: number) => (step: number | string) => ({
  ...counter("streaming_closes_total", of - Number(step), 'reason="gone"'),
  ...counter("streaming_closes_total", step, 'reason="internal"'),
});
const lagging = (of: number) => (value: number | string) => ({
  ...gauge("streaming_lagging_connections", value),
  ...gauge("streaming_active_connections", of, SSE),
});
const overrun = (of: number) => (step: number | string) => ({
  ...counter("streaming_gaps_total", step, 'reason="trimmed"'),
  ...counter("streaming_resumes_total", 0, 'result="trimmed"'),
  ...gauge("streaming_active_connections", of, SSE),
});
const resets = (of: number) => (step: number | string) => ({
  ...counter("streaming_gaps_total", step, 'reason="reset"'),
  ...counter("streaming_resumes_total", 0, 'result="joined"'),
  ...gauge("streaming_active_connections", of, SSE),
});
const resumes = (of: number) => (step: number | string) => ({
  ...counter("streaming_resumes_total", of - Number(step), 'result="joined"'),
  ...counter("streaming_resumes_total", step, 'result="trimmed"'),
});
const questions = (of: number) => (step: number | string) => ({
  ...counter("streaming_chat_refused_total", step),
  ...counter(
    "streaming_chat_generations_ended_total",
    of - Number(step),
    'model="m",state="finished"',
  ),
});
const answers = (of: number) => (step: number | string) => ({
  ...counter("streaming_chat_generations_ended_total", step, 'model="m",state="failed"'),
  ...counter(
    "streaming_chat_generations_ended_total",
    of - Number(step),
    'model="m",state="finished"',
  ),
});
/** Of a hundred, all but so many within 10 s, and all within 30 s: the 95th percentile is at 10 s where those are five. */
const firstTokens = (of: number) => (step: number | string) => {
  const name = "streaming_chat_time_to_first_token_seconds";
  return {
    ...counter(`${name}_bucket`, of - Number(step), 'model="m",le="10"'),
    ...counter(`${name}_bucket`, of, 'model="m",le="30"'),
    ...counter(`${name}_bucket`, of, 'model="m",le="+Inf"'),
    ...counter(`${name}_count`, of, 'model="m"'),
  };
};

export const BOUNDARIES: readonly Boundary[] = [
  boundary("Absent", "time", ["0", "_"], (value) => gauge("streaming_draining", value), "5m"),
  {
    alert: "NovaStreamGone",
    what: "time",
    below: gauge("streaming_draining", "0"),
    above: { [named("streaming_draining")]: "0x20 stale" },
    fires: "15m30s",
  },
  boundary(
    "Unscraped",
    "time",
    [1, 0],
    (value) => ({
      ...gauge("up", value),
      'streaming_draining{namespace="n",job="j",instance="b"}': 0,
    }),
    "5m",
  ),
  boundary("Restarting", "starts", ["1x20 2x20 3", "1x20 2x20 3x10 4"], (value) => ({
    ...gauge("process_start_time_seconds", value),
    ...gauge("streaming_draining", 0),
  })),
  boundary(
    "Errors",
    "share",
    [9.9, 10.1],
    (step) => ({
      ...counter("streaming_errors_total", step, 'code="internal"'),
      ...REQUESTS(1_000),
    }),
    "5m30s",
  ),
  boundary("Errors", "floor", FEW, (step) => ({
    ...counter("streaming_errors_total", step, 'code="log-unavailable"'),
    ...REQUESTS(2),
  })),
  boundary("StreamsFail", "share", [9.9, 10.1], closes(1_000), "5m30s"),
  boundary("StreamsFail", "floor", FEW, closes(2)),
  boundary("FirstEventSlow", "share", [49.5, 50.5], firstEvent(1_000), "10m30s"),
  boundary("FirstEventSlow", "floor", FEW, firstEvent(2)),
  boundary("DeliverySlow", "share", [9.9, 10.1], delivery(1_000), "10m30s"),
  boundary("DeliverySlow", "floor", FEW, delivery(2)),
  boundary("ReadersLag", "share", [99, 101], lagging(1_000), "10m"),
  boundary("ReadersLag", "floor", [10, 11], lagging(50), "10m"),
  boundary("ReadersOverrun", "share", [0.66, 0.67], overrun(2_000)),
  boundary("ReadersOverrun", "floor", FEW, overrun(50)),
  boundary("HistoryReset", "share", [16.6, 16.8], resets(10_000)),
  boundary("HistoryReset", "floor", FEW, resets(50)),
  boundary("HistoryReset", "retraction", ["0", "0x60 1"], (value) =>
    gauge("streaming_retractions_total", value),
  ),
  boundary("RetentionShort", "share", [49.5, 50.5], resumes(1_000), "15m30s"),
  boundary("RetentionShort", "floor", FEW, resumes(2)),
  boundary(
    "RedisUnreachable",
    "time",
    [1, 0],
    (value) => ({
      ...gauge("streaming_redis_up", value),
      'streaming_redis_up{namespace="n",job="j",instance="b"}': 1,
    }),
    "1m",
  ),
  boundary(
    "RedisMasterDown",
    "time",
    [1, 0],
    (value) => ({
      ...gauge("streaming_redis_master_up", value, 'master="m1"'),
      ...gauge("streaming_redis_master_up", 1, 'master="m2"'),
    }),
    "1m",
  ),
  boundary("RedisDown", "time", [1, 0], (value) => gauge("streaming_redis_up", value), "1m"),
  boundary("RedisFlapping", "outages", ["0x40 1x10 2", "0x40 1x10 2x10 3"], (value) =>
    gauge("streaming_redis_outages_total", value),
  ),
  boundary(
    "NearlyFull",
    "share",
    [799, 801],
    (value) => ({
      ...gauge("streaming_active_connections", value, SSE),
      ...gauge("streaming_max_connections", 1_000),
    }),
    "10m",
  ),
  boundary("Refusing", "share", [9.9, 10.1], outcomes(1_000), "5m30s"),
  boundary("Refusing", "floor", FEW, outcomes(2)),
  boundary(
    "Overloaded",
    "share of ten minutes",
    // By turns, and now and then twice: the 20 or 21 samples of any ten minutes hold as many of either, or one or two more.
    ["1 0 ".repeat(36), "1 0 1 0 1 0 1 0 1 ".repeat(8)],
    (value) => gauge("streaming_overloaded", value),
  ),
  boundary("Overloaded", "time", [0, 1], (value) => gauge("streaming_overloaded", value), "5m"),
  boundary(
    "EventLoopSlow",
    "seconds",
    [0.199, 0.201],
    (value) => ({
      ...gauge("nodejs_eventloop_lag_p99_seconds", value),
      ...gauge("streaming_draining", 0),
    }),
    "10m",
  ),
  boundary(
    "FilesNearlyOut",
    "share",
    [799, 801],
    (value) => ({
      ...gauge("process_open_fds", value),
      ...gauge("process_max_fds", 1_000),
      ...gauge("streaming_draining", 0),
    }),
    "10m",
  ),
  boundary(
    "MemoryNearlyOut",
    "share",
    [899, 901],
    (value) => {
      const container = '{namespace="n",pod="novastream-1",container="service"}';
      return {
        [`container_memory_working_set_bytes${container}`]: value,
        [`container_spec_memory_limit_bytes${container}`]: 1_000,
      };
    },
    "10m",
  ),
  boundary(
    "AutoscalerAtMost",
    "pods",
    [19, 20],
    (value) => {
      const autoscaler = '{namespace="n",horizontalpodautoscaler="novastream"}';
      return {
        [`kube_horizontalpodautoscaler_status_current_replicas${autoscaler}`]: value,
        [`kube_horizontalpodautoscaler_spec_max_replicas${autoscaler}`]: 20,
      };
    },
    "15m",
  ),
  boundary(
    "ChatNearlyFull",
    "share of the fullest",
    [799, 801],
    (value) => ({
      ...gauge("streaming_chat_generations", value, 'model="m"'),
      ...gauge("streaming_chat_max_generations", 1_000),
      'streaming_chat_generations{namespace="n",job="j",instance="b",model="m"}': 100,
      'streaming_chat_max_generations{namespace="n",job="j",instance="b"}': 1_000,
    }),
    "10m",
  ),
  boundary("ChatRefusing", "share", [9.9, 10.1], questions(1_000), "5m30s"),
  boundary("ChatRefusing", "floor", FEW, questions(2)),
  boundary("ChatFailures", "share", [99, 101], answers(1_000), "5m30s"),
  boundary("ChatFailures", "floor", FEW, answers(2)),
  boundary("ChatFirstTokenSlow", "seconds", [4.9, 5.05], firstTokens(100), "10m30s"),
  boundary("ChatFirstTokenSlow", "floor", [0.66, 0.67], (of) => firstTokens(Number(of))(0.3)),
  boundary("ChatLeasesLost", "one", ["0", "0x60 1"], (value) =>
    gauge("streaming_chat_leases_lost_total", value),
  ),
];
