import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import { apiOf } from "../support/api.ts";
import { RawClient } from "../support/raw-http.ts";
import type { Received } from "../support/readers.ts";
import { startTestService } from "../support/service.ts";
import { verifies } from "../support/verifies.ts";
import { eventually } from "../support/wait.ts";

interface Dropped {
  readonly from: string;
  readonly to: string;
  readonly count: number;
  readonly url: string;
}
type LogItem = Received & { readonly data: { readonly message: string } };

const numberOf = (position: string) => Number(position.split("-")[1]);
const itemsOf = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogItem);

describe("a reader of logs", () => {
  let service: Service;
  let api: ReturnType<typeof apiOf>;
  beforeAll(async () => {
    service = await startTestService({ HEARTBEAT_INTERVAL: "1h" });
    api = apiOf(service.url);
  });
  afterAll(() => service[Symbol.asyncDispose]());
  const logs = (name: string) => `/api/v1/wukongs/${name}/logs`;
  const upload = (name: string, lines: readonly object[]) =>
    api.post(logs(name), lines.map((line) => JSON.stringify(line)).join("\n"), {
      "content-type": "application/x-ndjson",
    });
  const messages = async (path: string) =>
    itemsOf(await (await fetch(api.url(path))).text())
      .filter(({ type }) => type === "log")
      .map(({ data }) => data.message);

  it("is shown what all of the filters let through", verifies("filters"), async () => {
    await upload("web", [
      { source: "http", message: "GET /api/users 200 12ms" },
      { source: "http", message: "GET /api/users 503 31ms" },
      { source: "http", level: "error", message: "GET /health 500 1ms" },
      { source: "db", message: "503 rows in 31ms" },
      { message: "POST /api/users 502 8ms" },
    ]);
    const read = (...filters: [string, string][]) =>
      messages(
        `${logs("web")}?format=ndjson&follow=false&${new URLSearchParams(filters).toString()}`,
      );
    expect(await read(["regex", "\\b5\\d\\d \\d+ms$"])).toEqual([
      "GET /api/users 503 31ms",
      "GET /health 500 1ms",
      "POST /api/users 502 8ms",
    ]);
    expect(await read(["regex", "(?i)^get"], ["not", "/health"], ["not", " 200 "])).toEqual([
      "GET /api/users 503 31ms",
    ]);
    expect(await read(["source", "db"])).toEqual(["503 rows in 31ms"]);
    expect(await read(["source", "htt"])).toEqual([]);
    expect(
      await read(["source", "http"], ["grep", "GET"], ["regex", "500|503"], ["level", "error"]),
    ).toEqual(["GET /health 500 1ms"]);
  });

  it("is told what is wrong with an expression", verifies("filters"), async () => {
    const problems = {
      "(": "regex: is not a regular expression of RE2: missing closing ): `(`.",
      "(?=a)b":
        "regex: is not a regular expression of RE2: invalid or unsupported Perl syntax: `(?=`.",
      "(a{1,20}){1,20}": "regex: is too large: it compiles to \\d+ instructions, at most 200.",
    };
    for (const [regex, detail] of Object.entries(problems)) {
      const response = await fetch(
        api.url(`${logs("web")}?${new URLSearchParams({ regex }).toString()}`),
      );
      const problem = (await response.json()) as { detail: string };
      expect(problem).toMatchObject({ status: 400, code: "invalid-parameter", field: "regex" });
      if (detail.includes("\\d")) expect(problem.detail).toMatch(new RegExp(`^${detail}$`));
      else expect(problem.detail).toBe(detail);
    }
  });

  /** Letters without a rhythm: what makes of DEAR an automaton of states without end. */
  const letters = () => {
    const letter = () => "ab"[((seed = (seed * 1_103_515_245 + 12_345) >>> 0) >>> 16) & 1];
    return Array.from({ length: 8_000 }, letter).join("");
  };
  let seed = 12_345;
  const DEAR = "(?:[ab]*a[ab]{1,10}){8}[cd]";

  it(
    "holds up nobody with the worst expression over a long backlog",
    verifies("filters"),
    async () => {
      for (let i = 0; i < 10; i++)
        await upload(
          "dear",
          Array.from({ length: 4 }, (_, n) => ({ message: `${i}${n}${letters()}` })),
        );
      const query = new URLSearchParams({
        regex: DEAR,
        format: "ndjson",
        tail: "40",
        follow: "false",
      });
      const finished = new AbortController();
      const dear = messages(`${logs("dear")}?${query.toString()}`).finally(() => finished.abort());
      let answers = 0;
      for (; !finished.signal.aborted; answers++) await fetch(api.url("/livez"));
      expect(await dear).toEqual([]);
      // Answered in the midst of that one reader's batches, of which there are five.
      expect(answers).toBeGreaterThan(10);
    },
  );

  it(
    "goes on being told what is new after its filter has taken its time",
    verifies("filters"),
    async () => {
      const regex = `${DEAR}|needle`;
      using client = new RawClient(service.url);
      client.get(`${logs("tired")}?${new URLSearchParams({ regex, format: "ndjson" }).toString()}`);
      await client.until('"live"');
      for (let round = 0; round < 5; round++) {
        // The first takes all the time there is, and the rest of the batch next to none.
        await upload("tired", [{ message: letters() }, { message: `needle ${round}` }]);
        await client.until(`needle ${round}`);
      }
      expect(client.text.match(/needle \d/g)).toHaveLength(5);
    },
  );

  for (const filter of ["", "&grep=even"]) {
    it(
      `who falls behind with overflow=drop${filter} is told what it has been spared, and where to have it`,
      verifies("overflow"),
      async () => {
        const name = `slow${filter.length}`;
        const line = (n: number) => ({
          message: `${n % 2 === 0 ? "even" : "odd"} ${n}`,
          fields: { padding: "x".repeat(100_000) },
        });
        await upload(name, [line(0)]);
        using client = new RawClient(service.url);
        client.get(`${logs(name)}?format=ndjson&overflow=drop${filter}`);
        await client.until('"live"');
        client.socket.pause();
        let last = 0;
        const publish = () => upload(name, [line(++last)]);
        while ((await api.metric("streaming_lagging_subscriptions")) === 0) await publish();
        for (let i = 0; i < 9; i++) await publish();
        client.socket.resume();
        const finalWords = `${last % 2 === 0 ? "even" : "odd"} ${last}`;
        if (filter) await client.until('"type":"dropped"');
        else await client.until(finalWords);
        // Chunk sizes and the head are no JSON.
        const items = client.text
          .split(/\r?\n/)
          .filter((text) => text.startsWith("{"))
          .map((text) => JSON.parse(text) as LogItem);
        const at = items.findIndex(({ type }) => type === "dropped");
        const dropped = items[at]!.data as unknown as Dropped;
        expect(dropped.count).toBe(numberOf(dropped.to) - numberOf(dropped.from) - 1);
        expect(dropped.count).toBeGreaterThanOrEqual(8);
        expect(dropped.url).toMatch(/^\?/);
        const spared = await messages(logs(name) + dropped.url);
        const wanted = Array.from({ length: last + 1 }, (_, n) => line(n).message).filter(
          (text) => filter === "" || text.startsWith("even"),
        );
        const seen = items.filter(({ type }) => type === "log").map(({ data }) => data.message);
        const before = seen.slice(
          0,
          items.slice(0, at).filter(({ type }) => type === "log").length,
        );
        const whole = [...before, ...spared, ...seen.slice(before.length)];
        expect(whole).toEqual(wanted.slice(0, whole.length));
        expect(whole.length).toBeGreaterThanOrEqual(wanted.length - 1);
        if (!filter) expect(spared).toHaveLength(dropped.count);
        // Read to its end, it is over.
        const end = new URL(dropped.url, api.url(logs(name)));
        const text = await (await fetch(end)).text();
        const cursor = itemsOf(text).findLast(({ id }) => id)!.id;
        end.searchParams.set("last_event_id", cursor);
        expect((await fetch(end)).status).toBe(204);
      },
    );
  }

  it("is served the same `url` for a status, over every way in", verifies("overflow"), async () => {
    const paths = ["/api/v1/wukongs/st/stream?", "/api/v1/events?topic=status:st&topic=app:x&"];
    await api.status("st", { phase: "0" });
    const clients = paths.map((path) => new RawClient(service.url).get(`${path}format=ndjson`));
    await Promise.all(clients.map((client) => client.until('"live"')));
    for (const { socket } of clients) socket.pause();
    let last = 0;
    const publish = () => api.status("st", { phase: String(++last), padding: "x".repeat(100_000) });
    while ((await api.metric("streaming_lagging_subscriptions")) < 2) await publish();
    for (let i = 0; i < 5; i++) await publish();
    for (const [index, client] of clients.entries()) {
      client.socket.resume();
      await client.until('"type":"dropped"');
      await eventually(() => client.text.includes(`"phase":"${last}"`));
      const line = client.text.split(/\r?\n/).find((each) => each.includes('"type":"dropped"'))!;
      const { count, url } = (JSON.parse(line) as { data: Dropped }).data;
      const spared = itemsOf(await (await fetch(new URL(url, api.url(paths[index]!)))).text());
      expect(spared.filter(({ type }) => type === "status")).toHaveLength(count);
      expect(spared.some(({ type }) => type === "gap")).toBe(false);
      client[Symbol.dispose]();
    }
  });
});
