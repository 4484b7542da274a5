import { callJson, persist, throughout } from "../clients/calls.ts";
import { Exchange } from "../clients/exchange.ts";
import { type Check, ownName, requireEachOnce, requirePrompt, type Trial } from "../trial.ts";

/** What is sent as it comes is ahead by a heartbeat, or by the first token; what was held back comes with it. */
const AHEAD_MS = 50;

interface Part {
  readonly id: string;
  readonly token?: string;
  readonly error?: { readonly code: string; readonly retryable: boolean };
  readonly done?: true;
}

/** An answer in NDJSON, of the demo model, which counts: `1 2 3 …`. */
class Answer extends Exchange {
  static ask(trial: Trial, script: string, headers: Record<string, string> = {}): Answer {
    const body = JSON.stringify({ prompt: `#!demo ${script}`, maxTokens: 30_000, model: "demo" });
    return new Answer(`${trial.url}/api/v1/ai/chat`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
  }

  static resume(trial: Trial, generation: string, cursor: string | undefined): Answer {
    const accept = { accept: "application/x-ndjson" };
    return new Answer(`${trial.url}/api/v1/ai/chat/${generation}/stream`, {
      headers: cursor === undefined ? accept : { ...accept, "last-event-id": cursor },
    });
  }

  parts(): { part: Part; atMs: number }[] {
    return this.lines
      .filter(({ text }) => text.startsWith("{"))
      .map(({ text, atMs }) => ({ part: JSON.parse(text) as Part, atMs }));
  }

  tokens(): number[] {
    return tokensOf(this.parts().map(({ part }) => part));
  }

  get finished(): boolean {
    return this.lines.some(({ text }) => text === "[DONE]");
  }

  get generation(): string {
    return this.response!.headers["x-generation-id"] as string;
  }
}

/** From 0 on. */
function tokensOf(parts: readonly Part[]): number[] {
  const text = parts.map(({ token = "" }) => token).join("");
  return text === ""
    ? []
    : text
        .trim()
        .split(/\s+/)
        .map((word) => Number(word) - 1);
}

export const chat: Check = {
  name: "NDJSON chat POST",

  async steady(trial) {
    const [tokens, everyMs, stallMs] = [6, 220, 480];
    using answer = Answer.ask(trial, `stall=${stallMs}ms delay=${everyMs}ms tokens=${tokens}`);
    await answer.head(trial.patienceMs);
    const tookMs = stallMs + tokens * everyMs;
    await answer.until("the answer", () => answer.finished, trial.patienceMs + tookMs);
    requireEachOnce("the tokens", answer.tokens(), tokens);
    const said = answer.parts().filter(({ part }) => part.token !== undefined);
    // The head comes while the model is still thinking: with the first piece of the body, be it a heartbeat, is too late.
    const aheadMs = answer.lines[0]!.atMs - answer.headMs!;
    if (aheadMs < AHEAD_MS) throw new Error(`the head came ${aheadMs} ms before the body`);
    // How much longer than the fastest each was under way: what is held back shows, whatever the clocks say.
    const underWayMs = said.map(({ part, atMs }) => atMs - Number(part.id.split("-")[0]));
    const least = Math.min(...underWayMs);
    // Where each second one is glued to the one after it, half of them come late.
    const lateMs = underWayMs.map((ms) => ms - least);
    requirePrompt("tokens", lateMs, trial.unevenMs, 1 / 3);
  },

  async resume(trial) {
    const tokens = 60;
    const parts: Part[] = [];
    using first = Answer.ask(trial, `delay=10ms tokens=${tokens}`);
    await first.head(trial.patienceMs);
    const { generation } = first;
    let answer = first;
    for (let cut = 0; cut < 4; cut++) {
      await answer.until("tokens", () => answer.tokens().length > 8, trial.patienceMs);
      await answer.cut();
      parts.push(...answer.parts().map(({ part }) => part));
      answer = Answer.resume(trial, generation, parts.at(-1)!.id);
    }
    await answer.until("the rest", () => answer.finished, trial.patienceMs + tokens * 10);
    answer[Symbol.dispose]();
    parts.push(...answer.parts().map(({ part }) => part));
    requireEachOnce("the tokens", tokensOf(parts), tokens);
  },

  async slow(trial) {
    const tokens = 1_000;
    using answer = Answer.ask(trial, `delay=0 tokens=${tokens}`);
    await answer.head(trial.patienceMs);
    answer.response!.pause();
    // The answer does not wait for its reader.
    await persist(async () => {
      const url = `${trial.url}/api/v1/ai/chat/${answer.generation}`;
      const { state } = await callJson<{ state: string }>(url);
      if (state !== "finished") throw new Error(`the answer is ${state}`);
    });
    answer.response!.resume();
    await answer.until("the answer", () => answer.finished, 15_000);
    requireEachOnce("the tokens", answer.tokens(), tokens);
  },

  async idle(trial) {
    // Beyond CHAT_IDLE_TIMEOUT, an answer ends by itself.
    const stallMs = Math.min(trial.silenceMs, 25_000);
    using answer = Answer.ask(trial, `stall=${stallMs}ms tokens=1 stall=${stallMs}ms tokens=1`);
    await answer.head(trial.patienceMs);
    await answer.until("the answer", () => answer.finished, trial.patienceMs + 2 * stallMs);
    const said = answer.parts().filter(({ part }) => part.token !== undefined).length;
    if (said !== 2) throw new Error(`${said} of 2 tokens`);
    if (!answer.lines.some(({ text }) => text === "")) throw new Error("no heartbeat came");
  },

  async rolling(trial, rolled) {
    const [tokens, delayMs] = [30, 10];
    let whole = 0;
    await throughout(rolled, 0, async () => {
      const key = ownName("answer");
      const parts: Part[] = [];
      let generation: string | undefined;
      for (let attempt = 0; !parts.some(({ done }) => done); attempt++) {
        if (attempt > 100) throw new Error("an answer never ended");
        using answer =
          generation === undefined
            ? Answer.ask(trial, `delay=${delayMs}ms tokens=${tokens}`, { "idempotency-key": key })
            : Answer.resume(trial, generation, parts.at(-1)?.id);
        try {
          await answer.head(15_000);
          ({ generation } = answer);
          await answer.whole(15_000);
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        parts.push(...answer.parts().map(({ part }) => part));
      }
      const failed = parts.find(({ error }) => error)?.error;
      // What is cut short is told, and what was said until then is there once.
      requireEachOnce("the tokens", tokensOf(parts), failed ? tokensOf(parts).length : tokens);
      if (!failed) whole++;
    });
    if (whole < 2) throw new Error(`only ${whole} answers came whole`);
  },
};
