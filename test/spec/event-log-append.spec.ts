import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EventLog } from "../../src/log/event-log.ts";
import { parseTopic, type Topic } from "../../src/log/topic.ts";
import { drafts, type EventLogFixture, LIMIT, texts } from "./event-log-fixture.ts";

/** The law of appending; part of `eventLogSpec`. */
export function eventLogAppendSpec(make: () => Promise<EventLogFixture>): void {
  let fixture: EventLogFixture;
  let log: EventLog;
  let topic: Topic;
  let serial = 0;

  beforeEach(async () => {
    fixture = await make();
    ({ log } = fixture);
    topic = parseTopic(`app:append-${++serial}`);
  });
  afterEach(() => fixture[Symbol.asyncDispose]());

  const all = async (name = topic) => (await log.read(name, "earliest", LIMIT)).events;

  describe("append", () => {
    it("numbers densely from 1, with a clock that never runs backwards, and carries the birth of the incarnation", async () => {
      await log.append(topic, drafts("a", "b"));
      const { first, count } = await log.append(topic, drafts("c"));
      const events = await all();
      expect(events.map(({ position }) => position.n)).toEqual([1, 2, 3]);
      expect(first).toEqual(events[2]!.position);
      expect(count).toBe(1);
      for (const [index, event] of events.entries()) {
        expect(event.born).toBe(events[0]!.position.ms);
        expect(event.position.ms).toBeGreaterThanOrEqual(
          events[Math.max(0, index - 1)]!.position.ms,
        );
      }
    });

    it("keeps the batches of concurrent publishers whole and every number once", async () => {
      await Promise.all(
        Array.from({ length: 40 }, (_, i) => log.append(topic, drafts(`${i}a`, `${i}b`))),
      );
      const events = await all();
      expect(events.map(({ position }) => position.n)).toEqual(
        Array.from({ length: 80 }, (_, i) => i + 1),
      );
      for (let i = 0; i < 80; i += 2) {
        expect(String(texts(events)[i]).replace("a", "b")).toBe(texts(events)[i + 1]);
      }
    });

    it("appends once under an idempotency key and repeats the positions", async () => {
      const options = { idempotency: { key: "k", fingerprint: "f" } };
      const first = await log.append(topic, drafts("a", "b"), options);
      await log.append(topic, drafts("between"));
      const again = await log.append(topic, drafts("a", "b"), options);
      expect(again).toEqual({ ...first, repeated: true });
      expect(texts(await all())).toEqual(["a", "b", "between"]);
    });

    it("refuses an idempotency key whose body differs, and appends nothing", async () => {
      await log.append(topic, drafts("a"), { idempotency: { key: "k", fingerprint: "f" } });
      await expect(
        log.append(topic, drafts("b"), { idempotency: { key: "k", fingerprint: "g" } }),
      ).rejects.toMatchObject({
        code: "idempotency-mismatch",
      });
      expect(texts(await all())).toEqual(["a"]);
    });

    it("scopes idempotency keys to the topic", async () => {
      const other = parseTopic("app:other-spec");
      await log.append(topic, drafts("a"), { idempotency: { key: "k", fingerprint: "f" } });
      await log.append(other, drafts("b"), { idempotency: { key: "k", fingerprint: "g" } });
      expect(texts(await all(other))).toEqual(["b"]);
    });

    it("skips what a streamed body has in already, also where the batches are cut elsewhere", async () => {
      const at = (offset: number) => ({ progress: { key: "p", offset } });
      await log.append(topic, drafts("1", "2", "3"), at(0));
      expect(await log.append(topic, drafts("1", "2"), at(0))).toMatchObject({
        repeated: true,
        done: 3,
      });
      expect(await log.append(topic, drafts("3", "4", "5"), at(2))).toMatchObject({
        repeated: false,
        count: 2,
        done: 5,
      });
      const events = await all();
      expect(texts(events)).toEqual(["1", "2", "3", "4", "5"]);
      expect(await log.append(topic, drafts("1", "2", "3", "4", "5"), at(0))).toMatchObject({
        repeated: true,
        first: events[4]!.position,
      });
    });

    it("refuses a writer that a newer one has replaced", async () => {
      await log.append(topic, drafts("start"));
      await log.append(topic, drafts("old"), { fence: { number: 1, token: "t1" } });
      await log.append(topic, drafts("new"), { fence: { number: 2, token: "t2" } });
      await log.append(topic, drafts("bystander"));
      await expect(
        log.append(topic, drafts("zombie"), { fence: { number: 1, token: "t3" } }),
      ).rejects.toMatchObject({
        code: "fenced-off",
      });
      expect(texts(await all())).toEqual(["start", "old", "new", "bystander"]);
    });

    it("refuses a fenced writer whose last append is gone, as after a failover: a hole must not pass for whole", async () => {
      await log.append(topic, drafts("start"));
      const write = (text: string, token: string, previous?: string) =>
        log.append(topic, drafts(text), { fence: { number: 1, token, previous } });
      await write("a", "t1");
      await log.append(topic, drafts("bystander"));
      await write("b", "t2", "t1");
      // The repetition of a lost reply is none.
      expect((await write("b", "t2", "t1")).repeated).toBe(true);
      await expect(write("d", "t4", "t3")).rejects.toMatchObject({ code: "fenced-off" });
      // A newer writer knows of no append before its own.
      await log.append(topic, drafts("end"), { fence: { number: 2, token: "u1" } });
      expect(texts(await all())).toEqual(["start", "a", "bystander", "b", "end"]);
    });

    it("refuses a fenced writer whose topic is gone: half a story must not pass for a whole one", async () => {
      await log.append(topic, drafts("start"));
      await log.append(topic, drafts("a"), { fence: { number: 1, token: "t1" } });
      await fixture.flush();
      const again = log.append(topic, drafts("b"), { fence: { number: 1, token: "t2" } });
      await expect(again).rejects.toMatchObject({ code: "fenced-off" });
      expect(await log.read(topic, "earliest", LIMIT)).toMatchObject({ vacant: true });
    });

    it("repeats nothing for a token that is in, though others have appended since", async () => {
      await log.append(topic, drafts("start"));
      const options = { fence: { number: 1, token: "t" } };
      const first = await log.append(topic, drafts("a", "b"), options);
      await log.append(topic, drafts("other"));
      expect(await log.append(topic, drafts("a", "b"), options)).toEqual({
        ...first,
        repeated: true,
      });
      expect(texts(await all())).toEqual(["start", "a", "b", "other"]);
    });

    it("closes a topic: nothing follows, from nobody, and the closing append may be repeated", async () => {
      await log.append(topic, drafts("start"));
      const options = { close: true, fence: { number: 1, token: "t" } };
      await log.append(topic, drafts("a", "end"), options);
      expect((await all()).map(({ last }) => last)).toEqual([false, false, true]);
      expect(await log.head(topic)).toMatchObject({ closed: true });
      await expect(log.append(topic, drafts("late"))).rejects.toMatchObject({
        code: "topic-closed",
      });
      expect(await log.append(topic, drafts("a", "end"), options)).toMatchObject({
        repeated: true,
      });
    });
  });
}
