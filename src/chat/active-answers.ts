import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ServiceError } from "../errors.ts";
import { IDEMPOTENCY_TTL_MS } from "../log/retention.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ChatCommand, ChatTurn } from "./chat-command.ts";

/**
 * How a generation stands, as far as its chat is concerned. `starting`: somebody means to write it, and it is not in the
 * log yet, and perhaps never will be.
 */
export type Standing = "starting" | "running" | "ended" | "failed" | "gone";

/** How often one who waits for another's start looks again. */
const LOOK_MS = 50;

export interface ActiveAnswersOptions {
  readonly state: StateStore;
  readonly standingOf: (generation: string) => Promise<Standing>;
}

/** Which generation answers in which chat: one at a time, whichever process was asked. */
export class ActiveAnswers {
  readonly #options: ActiveAnswersOptions;

  constructor(options: ActiveAnswersOptions) {
    this.#options = options;
  }

  /**
   * Makes `generation`, whose lease MUST have been taken, the chat's answer, or finds the one that answers the same message
   * already. That one is in the log: nobody is sent to wait for what may never come.
   * @returns the generation that answers
   * @throws ServiceError `chat-busy` while another message is being answered
   */
  async claim(
    principal: string,
    turn: ChatTurn,
    command: ChatCommand,
    generation: string,
  ): Promise<string> {
    const key = keyOf(principal, turn.id);
    const message = fingerprint(turn, command);
    const value = `${generation} ${message ?? "-"}`;
    let held = await this.#options.state.claim(key, value, IDEMPOTENCY_TTL_MS);
    while (held !== value) {
      const [holder, answered] = held.split(" ") as [string, string];
      const standing = await this.#settled(holder);
      const same = message !== undefined && answered === message;
      // What has failed is not what was asked for: whoever asks again wants another try.
      if (same && (standing === "running" || standing === "ended")) return holder;
      if (standing === "running") throw busy(turn.id, holder);
      held = await this.#options.state.reclaim(key, held, value, IDEMPOTENCY_TTL_MS);
    }
    return generation;
  }

  /** How it stands once it has begun, or nobody means to begin it any more: within its start's patience and a lease. */
  async #settled(generation: string): Promise<Exclude<Standing, "starting">> {
    for (;;) {
      const standing = await this.#options.standingOf(generation);
      if (standing !== "starting") return standing;
      await delay(LOOK_MS);
    }
  }

  /** The generation that answers in this chat now. */
  async find(principal: string, chatId: string): Promise<string | undefined> {
    const held = await this.#options.state.claimed(keyOf(principal, chatId));
    const [generation] = held?.split(" ") ?? [];
    if (generation === undefined) return undefined;
    return (await this.#options.standingOf(generation)) === "running" ? generation : undefined;
  }
}

function busy(chatId: string, generation: string): ServiceError {
  const detail = "The chat has an answer under way: wait for its end, or stop it.";
  return new ServiceError("chat-busy", detail, { extra: { chatId, generation } });
}

/** Chat ids are the clients' own: any text, so no two may make one key together. */
function keyOf(principal: string, chatId: string): string {
  const name = createHash("sha256").update(`${principal}\n${chatId}`).digest("base64url");
  return `chat:active:${name.slice(0, 22)}`;
}

/** Stands for what is answered. An edited message keeps its id: so its words count too. */
function fingerprint(turn: ChatTurn, { messages }: ChatCommand): string | undefined {
  if (turn.message === undefined) return undefined;
  const hash = createHash("sha256").update(`${turn.message}\n`);
  return hash
    .update(JSON.stringify(messages.at(-1)))
    .digest("base64url")
    .slice(0, 22);
}
