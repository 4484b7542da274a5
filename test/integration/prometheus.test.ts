import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import type { Service } from "../../src/service.ts";
import { apiOf } from "../support/api.ts";
import { dashboardQueries, readDashboard } from "../support/dashboard.ts";
import { freePort } from "../support/net.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

/** What a service may have no figures of: no collection yet, and no cluster. */
const MAY_LACK = ["nodejs_gc_duration_seconds", "streaming_redis_master_up"];

interface Sample {
  readonly metric: Record<string, string>;
  readonly value: readonly [number, string];
}

describe("a real Prometheus that scrapes a running service", () => {
  const directory = mkdtempSync(join(tmpdir(), "novastream-prometheus-"));
  let redis: TestRedis;
  let service: Service;
  let prometheus: ChildProcess;
  let base: string;
  let output = "";

  const ask = async (path: string): Promise<any> => {
    const answer = (await (await fetch(`${base}/api/v1/${path}`)).json()) as any;
    expect(answer.error, path).toBeUndefined();
    return answer.data;
  };
  const query = async (expr: string): Promise<Sample[]> =>
    (await ask(`query?query=${encodeURIComponent(expr)}`)).result as Sample[];

  beforeAll(async () => {
    redis = await TestRedis.start();
    service = await startTestService({ REDIS_URL: redis.url });
    const config = parse(readFileSync("observability/prometheus.yaml", "utf8"));
    config.global = { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" };
    config.rule_files = ["rules.yaml"];
    const rules = parse(readFileSync("observability/rules.yaml", "utf8"));
    for (const group of rules.groups) group.interval = "1s";
    writeFileSync(join(directory, "rules.yaml"), stringify(rules));
    config.scrape_configs[0].static_configs = [{ targets: [`127.0.0.1:${service.port}`] }];
    writeFileSync(join(directory, "prometheus.yaml"), stringify(config));
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    prometheus = spawn(
      "prometheus",
      [
        `--config.file=${join(directory, "prometheus.yaml")}`,
        `--storage.tsdb.path=${join(directory, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    prometheus.on("error", () => (output += "there is no prometheus: test/setup.sh installs it"));
    for (const stream of [prometheus.stdout!, prometheus.stderr!]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    await eventually(
      async () => {
        if (prometheus.pid === undefined || prometheus.exitCode !== null) throw new Error(output);
        return (await fetch(`${base}/-/ready`)).ok;
      },
      { what: "Prometheus" },
    );
  });

  afterAll(async () => {
    if (prometheus?.pid !== undefined && prometheus.exitCode === null) {
      prometheus.kill("SIGKILL");
      await once(prometheus, "exit");
    }
    await service?.[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  it(
    "takes the rules, and finds an answer to every query of the dashboard",
    verifies("dashboard", "alerts", "first-event"),
    async () => {
      const url = `http://127.0.0.1:${service.port}`;
      const api = apiOf(url);
      const left = new AbortController();
      // A topic that nothing is ever published to: the first event of its reader is none.
      await fetch(`${url}/api/v1/events?topic=app:quiet`, { signal: left.signal });
      const quiet = `streaming_time_to_first_event_seconds_count{route="/api/v1/events"}`;
      await eventually(async () => (await api.metric(quiet)) === 1, { what: "a live stream" });
      await using traffic = publishAgainAndAgain(url);
      void traffic;

      const silent = new Set(dashboardQueries(readDashboard()).map(({ expr }) => expr));
      await eventually(
        async () => {
          for (const expr of silent) if ((await query(expr)).length > 0) silent.delete(expr);
          const lacking = [...silent].filter(
            (expr) => !MAY_LACK.some((name) => expr.includes(name)),
          );
          if (lacking.length > 0) throw new Error(`no figures for\n${lacking.join("\n")}`);
          return true;
        },
        { what: "a figure for every query", timeoutMs: 40_000, everyMs: 500 },
      );

      await eventually(
        async () => {
          const { groups } = await ask("rules");
          const rules = groups.flatMap((group: any) => group.rules);
          const odd = rules.filter(
            ({ health, state = "inactive" }: any) => health !== "ok" || state !== "inactive",
          );
          if (odd.length > 0) throw new Error(JSON.stringify(odd));
          return rules.length > 0;
        },
        { what: "all rules in order, and no alert", everyMs: 200 },
      );
      left.abort();
    },
  );
});

/** Statuses and answers, until it is disposed. */
function publishAgainAndAgain(url: string): AsyncDisposable {
  const enough = new AbortController();
  const done = (async () => {
    for (let count = 0; !enough.signal.aborted; count += 1) {
      await apiOf(url).status("web-1", { phase: "Running", count });
      await (await apiOf(url).post("/api/v1/ai/chat", { prompt: "one two three" })).text();
      await (await fetch(`${url}/api/v1/wukongs/web-1/stream?follow=false&from=earliest`)).text();
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      enough.abort();
      await done;
    },
  };
}
