import { Findings } from "../../chaos/law/findings.ts";
import { type Entry, History } from "../../chaos/law/history.ts";
import { judgeText } from "../../chaos/law/judge-text.ts";
import { Judge, type Tally } from "../../chaos/law/judge.ts";
import type { Account, Seen } from "../../chaos/law/seen.ts";

export const digestOf = (mark: string): string => `digest of ${mark}`;

/** `5-1` to `5-<count>` and on, 10 ms apart, each with a mark of its own. */
export function entries(born: number, count: number, first = 1): Entry[] {
  return Array.from({ length: count }, (_, i) => {
    const n = first + i;
    const id = `${born + (n - 1) * 10}-${n}`;
    return { id, mark: `p/${id}`, digest: digestOf(`p/${id}`) };
  });
}

export interface World {
  readonly topic?: string;
  /** Of incarnations that are gone. */
  readonly gone?: readonly (readonly Entry[])[];
  readonly final: readonly Entry[];
  readonly window?: { fromMs: number; toMs: number };
  /** Sent, and in no known state of the log. */
  readonly unknown?: readonly Entry[];
}

export function historyOf({
  topic = "app:a",
  gone = [],
  final,
  window,
  unknown = [],
}: World): History {
  const history = new History();
  for (const { mark, digest, id } of [...gone.flat(), ...final, ...unknown])
    history.addSent({ mark, digest, sentAt: Number(id.split("-")[0]) });
  for (const entries of gone) history.addBranch({ topic, entries, final: false });
  history.addBranch({ topic, entries: final, final: true });
  if (window) history.addTakeBack(window);
  return history;
}

export function event({ id, mark, digest }: Entry, topic = "app:a", cursor = `x1.${id}`): Seen {
  return { kind: "event", topic, cursor, stamp: { mark, digest } };
}

export function gap(
  from: string | null,
  to: string,
  reason: "trimmed" | "reset",
  missed: number | null,
): Seen {
  const [ms, n] = to.split("-").map(Number) as [number, number];
  return { kind: "gap", topic: "app:a", cursor: `x1.${ms}-${n - 1}`, from, to, missed, reason };
}

export const connected: Seen = { kind: "connected" };

export function accountOf(seen: readonly Seen[], over: Partial<Account> = {}): Account {
  return {
    reader: "r",
    transport: "sse",
    topics: ["app:a"],
    fromEarliest: true,
    resumes: true,
    wants: undefined,
    seen,
    ...over,
  };
}

/** What is found, and what is not 0. */
export function judge(
  account: Account,
  history: History,
): { tally: Tally; wrong: Record<string, number>; examples: string[] } {
  const findings = new Findings();
  const tally = account.resumes
    ? new Judge(account, history, findings).run()
    : judgeText(account, history, findings);
  return { tally, wrong: wrongOf(findings), examples: findings.examples };
}

export function wrongOf({ counts }: Findings): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}
