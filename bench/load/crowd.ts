import { setTimeout as delay } from "node:timers/promises";
import { median, quantile } from "../quantile.ts";
import { AnswerReader } from "./answer-reader.ts";
import { answerTo } from "./chat-dialect.ts";
import type { CrowdCommand, Outcome } from "./protocol.ts";

/** Within which all chats begin: those of one millisecond would speak in the same millisecond ever after. */
const ARRIVAL_MS = 1_000;
/** Chats of which the times between two pieces are looked at. */
const SAMPLED = 100;
/** Without a piece of any answer for so long, those that are not whole are lost. */
const PATIENCE_MS = 10_000;

/** Chats at once, each over a connection of its own. */
export async function crowd(command: CrowdCommand): Promise<Outcome> {
  const { chats, tokens } = command;
  const prompt = promptOf(tokens);
  const startedAt = performance.now();
  const readers = await readAll(command, prompt);
  const wallMs = performance.now() - startedAt;
  const refusal = readers.map((reader) => reader.refusal).find((status) => status !== undefined);
  if (refusal !== undefined) throw new Error(`A chat was answered ${refusal}.`);

  const answer = answerTo(prompt);
  const texts = readers.map(({ text }) => text ?? "");
  const whole = readers.filter((_, index) => texts[index] === answer);
  const lost = texts.filter((text) => text.length < answer.length).length;
  const gapsMs = readers.flatMap((reader) => reader.gapsMs);
  return {
    expected: chats,
    lost,
    doubled: chats - lost - whole.length,
    wallMs,
    crowd: {
      tokens: whole.length * tokens,
      pace: median(
        whole.map(({ firstTextAt, wholeAt }) => ((tokens - 1) / (wholeAt - firstTextAt)) * 1_000),
      ),
      gapP99Ms: quantile(gapsMs, 0.99),
    },
  };
}

/** Numbers, so that an answer to it has so many tokens, and one that is lost, doubled or out of its place is seen. */
function promptOf(tokens: number): string {
  const words = Math.max(1, tokens - answerTo("").split(" ", 2).length);
  return Array.from({ length: words }, (_, n) => n + 1).join(" ");
}

/** Resolves when all answers are over, or nothing more has come for too long. */
async function readAll(command: CrowdCommand, prompt: string): Promise<AnswerReader[]> {
  const { chats } = command;
  const readers: AnswerReader[] = [];
  const stride = Math.max(1, Math.floor(chats / SAMPLED));
  let [pieces, over] = [0, 0];
  let settle!: () => void;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  const onPiece = (): void => void pieces++;
  const onEnd = (): void => {
    if (++over === chats) settle();
  };
  const startedAt = performance.now();
  for (let i = 0; i < chats; i++) {
    const waitMs = startedAt + (i / chats) * ARRIVAL_MS - performance.now();
    if (waitMs > 0) await delay(waitMs);
    readers.push(
      new AnswerReader({ ...command, prompt, sampled: i % stride === 0, onPiece, onEnd }),
    );
  }
  let before = -1;
  const timer = setInterval(() => {
    if (pieces === before) settle();
    before = pieces;
  }, PATIENCE_MS);
  await settled;
  clearInterval(timer);
  for (const reader of readers) reader.close();
  return readers;
}
