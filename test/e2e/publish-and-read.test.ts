import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../src/service.ts";
import { apiOf } from "../support/api.ts";
import { RawClient } from "../support/raw-http.ts";
import { isLive, type Received, readWithEventSource } from "../support/readers.ts";
import { TestRedis } from "../support/redis.ts";
import { startTestService } from "../support/service.ts";
import { eventually } from "../support/wait.ts";
import { verifies } from "../support/verifies.ts";

const NDJSON = { "content-type": "application/x-ndjson" };
const TEXT = { "content-type": "text/plain" };
const logLines = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Received & { data: { message: string } })
    .filter(({ type }) => type === "log");

/** What an upload was refused for: by a status before anything was acknowledged, by a last line after it. */
async function refusalOf(
  response: Response,
): Promise<{ code: string; line: number; lines: number }> {
  const last = JSON.parse((await response.text()).trim().split("\n").at(-1)!) as {
    code: string;
    line: number;
    lines: number;
    error?: { code: string; line: number };
  };
  const { code, line } = response.ok ? last.error! : last;
  return { code, line, lines: last.lines };
}

for (const backend of ["memory", "Redis"] as const) {
  describe(`publishing and reading, on ${backend}`, () => {
    let redis: TestRedis | undefined;
    let service: Service;
    let api: ReturnType<typeof apiOf>;
    beforeAll(async () => {
      redis = backend === "Redis" ? await TestRedis.start() : undefined;
      service = await startTestService({
        MAX_EVENT_SIZE: "64KiB",
        ...(redis ? { REDIS_URL: redis.url } : {}),
      });
      api = apiOf(service.url);
    });
    afterAll(async () => {
      await service[Symbol.asyncDispose]();
      await redis?.[Symbol.asyncDispose]();
    });
    const logs = (name: string) => `/api/v1/wukongs/${name}/logs`;
    const tail = async (name: string, query = "from=earliest") =>
      logLines(
        await (await fetch(api.url(`${logs(name)}?format=ndjson&follow=false&${query}`))).text(),
      ).map(({ data }) => data.message);

    it(
      "lists Wukongs by name, tells of one, and forgets one, whose readers are told",
      verifies("wukongs"),
      async () => {
        for (const name of ["web-2", "web-10", "api"])
          await api.status(name, { phase: "Running", of: name });
        const { wukongs } = (await api.json("/api/v1/wukongs")) as {
          wukongs: { name: string; status: object }[];
        };
        expect(wukongs.map(({ name }) => name)).toEqual(["api", "web-10", "web-2"]);
        const lines = (
          await (
            await fetch(api.url("/api/v1/wukongs"), { headers: { accept: "application/x-ndjson" } })
          ).text()
        )
          .trim()
          .split("\n");
        expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(wukongs);
        expect(await api.json("/api/v1/wukongs/api")).toEqual(wukongs[0]);
        expect((await fetch(api.url("/api/v1/wukongs/none"))).status).toBe(404);
        using source = readWithEventSource(api.url("/api/v1/wukongs/api/stream"), ["status"]);
        await isLive(source);
        expect((await fetch(api.url("/api/v1/wukongs/api"), { method: "DELETE" })).status).toBe(
          204,
        );
        await eventually(() => source.controls.some(({ type }) => type === "closed"));
        expect(source.controls.at(-1)!.data).toEqual({ reason: "deleted", reconnect: false });
        // It comes back once, as it must, and is then let rest.
        await eventually(() => source.dead);
        expect((await fetch(api.url("/api/v1/wukongs/api"))).status).toBe(404);
        await api.status("api", { phase: "Reborn" });
        expect((await fetch(api.url("/api/v1/wukongs/api/stream?follow=false"))).status).toBe(200);
      },
    );

    it(
      "tails a log by count, age, level and text, as SSE, NDJSON and text",
      verifies("logs"),
      async () => {
        const levels = ["debug", "info", "warn", "error"];
        const body = Array.from({ length: 150 }, (_, i) =>
          JSON.stringify({
            level: levels[i % 4],
            message: `line ${i}`,
            time: "2026-11-21T07:30:01.123Z",
          }),
        ).join("\n");
        expect((await api.post(logs("tail"), body, NDJSON)).status).toBe(201);
        expect(await tail("tail", "tail=3")).toEqual(["line 147", "line 148", "line 149"]);
        expect(await tail("tail", "")).toHaveLength(100);
        expect(await tail("tail", "tail=0")).toEqual([]);
        expect(await tail("tail", "since=1h")).toHaveLength(150);
        expect(await tail("tail", `since=${Date.now() + 60_000}`)).toEqual([]);
        expect(await tail("tail", "tail=150&level=error&grep=line&grep=4")).toEqual(
          Array.from({ length: 150 }, (_, i) => i)
            .filter((i) => i % 4 === 3 && String(i).includes("4"))
            .map((i) => `line ${i}`),
        );
        const text = await (
          await fetch(api.url(`${logs("tail")}?tail=2&follow=false`), {
            headers: { accept: "text/plain" },
          })
        ).text();
        expect(text).toBe(
          "2026-11-21T07:30:01.123Z DEBUG line 148\n2026-11-21T07:30:01.123Z INFO  line 149\n".replace(
            "DEBUG line 148",
            "DEBUG line 148",
          ),
        );
        using source = readWithEventSource(api.url(`${logs("tail")}?tail=0&level=warn`), ["log"]);
        await isLive(source);
        await api.post(
          logs("tail"),
          '{"level":"info","message":"no"}\n{"level":"fatal","message":"yes"}\n',
          NDJSON,
        );
        await eventually(() => source.received.length === 1);
        expect(source.received[0]!.data).toEqual({ level: "fatal", message: "yes" });
      },
    );

    it(
      "takes an upload line by line as it comes, and acknowledges what is in",
      verifies("ingest"),
      async () => {
        using client = new RawClient(service.url);
        client.send(
          `POST ${logs("piped")}?progress=true HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`,
        );
        const chunk = (text: string) =>
          client.send(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
        chunk("one\ntwo\nthr");
        await client.until('{"lines":2,"id":"');
        expect(await tail("piped")).toEqual(["one", "two"]);
        chunk("ee\r\nlast 😀");
        await client.until('{"lines":3,"id":"');
        client.send("0\r\n\r\n");
        await client.until('{"lines":4,"id":"');
        await client.until("0\r\n\r\n");
        expect(await tail("piped")).toEqual(["one", "two", "three", "last 😀"]);
      },
    );

    it(
      "answers an upload when it is in, unless it is asked for its progress",
      verifies("ingest-answer"),
      async () => {
        using client = new RawClient(service.url);
        client.send(
          `POST ${logs("quiet")} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`,
        );
        client.send("4\r\none\n\r\n");
        await eventually(async () => (await tail("quiet")).length === 1, {
          what: "the first line",
        });
        expect(client.text).toBe("");
        client.send("4\r\ntwo\n\r\n0\r\n\r\n");
        await client.until('{"lines":2,"id":"');
        expect(client.text).toMatch(/^HTTP\/1\.1 201 /);
        expect(client.text).not.toContain('"lines":1,');
        expect((await api.post(`${logs("quiet")}?progress=maybe`, "x", TEXT)).status).toBe(400);
      },
    );

    it(
      "names the bad line of an upload and says what is in; the mended repetition goes on from there",
      verifies("ingest"),
      async () => {
        const lines = Array.from({ length: 600 }, (_, i) =>
          JSON.stringify({ message: `m${i + 1}` }),
        );
        const bad = lines.with(499, '{"message": 7}').join("\n");
        const key = { "idempotency-key": `upload-${backend}` };
        const refused = await refusalOf(await api.post(logs("mended"), bad, { ...NDJSON, ...key }));
        expect(refused).toEqual({ code: "invalid-line", line: 500, lines: 499 });

        expect(await tail("mended", "tail=1000")).toHaveLength(499);
        const mended = await api.post(logs("mended"), lines.join("\n"), { ...NDJSON, ...key });
        expect(mended.status).toBe(201);
        expect((await mended.text()).trim().split("\n").at(-1)).toMatch(/^\{"lines":600,/);
        expect(await tail("mended", "tail=1000")).toEqual(
          Array.from({ length: 600 }, (_, i) => `m${i + 1}`),
        );
      },
    );

    it(
      "refuses a line over the limit, of bytes that are no text, or of no known shape, by its number",
      verifies("ingest"),
      async () => {
        const cases: [string | Buffer, Record<string, string>, number, string][] = [
          [`fine\n${"x".repeat(70_000)}\n`, TEXT, 413, "too-large"],
          [
            Buffer.concat([
              Buffer.from('{"message":"fine"}\n{"message":"'),
              Buffer.from([0xff, 0xfe]),
              Buffer.from('"}\n'),
            ]),
            NDJSON,
            400,
            "invalid-utf8",
          ],
          ['{"message":"fine"}\nrubbish\n', NDJSON, 400, "invalid-line"],
          ['{"message":"fine"}\n{"message":"x","level":"loud"}\n', NDJSON, 400, "invalid-line"],
        ];
        for (const [body, headers, status, code] of cases) {
          const response = await fetch(api.url(logs("refused")), {
            method: "POST",
            headers,
            body: typeof body === "string" ? body : new Uint8Array(body),
          });
          expect(response.status).toBe(status);
          expect(await refusalOf(response)).toEqual({ code, line: 2, lines: 1 });
          const live = await fetch(`${api.url(logs("refused"))}?progress=true`, {
            method: "POST",
            headers,
            body: typeof body === "string" ? body : new Uint8Array(body),
          });
          expect([status, 201]).toContain(live.status);
          expect(await refusalOf(live)).toEqual({ code, line: 2, lines: 1 });
        }
        // A program's output is what it is: bytes that are no text show as such.
        await fetch(api.url(logs("binary")), {
          method: "POST",
          headers: TEXT,
          body: new Uint8Array([0x61, 0xff, 0x62, 0x0a]),
        });
        expect(await tail("binary")).toEqual(["a\ufffdb"]);
      },
    );

    it(
      "answers a publish repeated under its key with the same ids, and another body with 422",
      verifies("idempotency"),
      async () => {
        const key = { "idempotency-key": "order-7" };
        const events = [
          { type: "order", data: { n: 1 } },
          { type: "order", data: null },
        ];
        const ids = await api.publish("app:orders", events, key);
        expect(await api.publish("app:orders", events, key)).toEqual(ids);
        expect(
          (await api.post("/api/v1/topics/app:orders/events?user=eve", events, key)).status,
        ).toBe(201);
        const refused = await api.post(
          "/api/v1/topics/app:orders/events",
          { type: "order", data: 2 },
          key,
        );
        expect(refused.status).toBe(422);
        expect(await refused.json()).toMatchObject({
          code: "idempotency-mismatch",
          field: "Idempotency-Key",
        });
        const ndjson = await api.post(
          "/api/v1/topics/app%3Aorders/events",
          '{"type":"a","data":1}\n{"type":"b","data":2}\n',
          NDJSON,
        );
        expect(((await ndjson.json()) as { events: unknown[] }).events).toHaveLength(2);
        const whole = await api.post(
          "/api/v1/topics/app:whole/events",
          [
            { type: "ok", data: 1 },
            { type: "live", data: 1 },
          ],
          {},
        );
        expect(await whole.json()).toMatchObject({ status: 400, field: "1.type" });
        expect(
          (
            await fetch(
              api.url("/api/v1/events?topic=app:whole&from=earliest&follow=false&format=ndjson"),
            )
          ).status,
        ).toBe(200);
      },
    );

    it(
      "brings notifications to all, to a user and to a channel, over one cursor that resumes",
      verifies("notifications"),
      async () => {
        const notify = (to: unknown, title: string) =>
          api.post("/api/v1/notifications", { to, title });
        const url = api.url("/api/v1/notifications?user=ada&channel=deploys");
        using ada = readWithEventSource(url, ["notification"]);
        using bob = readWithEventSource(api.url("/api/v1/notifications?user=bob"), [
          "notification",
        ]);
        await Promise.all([isLive(ada), isLive(bob)]);
        await notify("all", "to all");
        await notify({ user: "ada" }, "to ada");
        await notify({ channel: "deploys" }, "to the channel");
        await notify({ user: "bob" }, "to bob");
        const titles = ({ received }: { received: Received[] }) =>
          received.map(({ data }) => (data as { title: string }).title).sort();
        await eventually(() => ada.received.length === 3 && bob.received.length === 2);
        expect(titles(ada)).toEqual(["to ada", "to all", "to the channel"]);
        expect(titles(bob)).toEqual(["to all", "to bob"]);
        const cursor = ada.received.at(-1)!.id;
        await notify({ channel: "deploys" }, "later");
        const rest = await fetch(`${url}&follow=false&format=ndjson`, {
          headers: { "last-event-id": cursor },
        });
        expect(await rest.text()).toMatch(/"later"/);
        expect((await notify("nobody", "x")).status).toBe(400);
      },
    );
  });
}
