import type { Findings } from "./findings.ts";
import type { History } from "./history.ts";
import { judgeText } from "./judge-text.ts";
import { Judge } from "./judge.ts";
import type { Account } from "./seen.ts";

export interface Tallies {
  readonly delivered: number;
  readonly deliveredBy: Readonly<Record<string, number>>;
  readonly gapsTold: number;
  readonly takenBack: number;
}

/** Holds every reader to the law, and sums up what they were given. */
export function judgeAccounts(
  accounts: readonly Account[],
  history: History,
  findings: Findings,
): Tallies {
  const deliveredBy: Record<string, number> = {};
  let [delivered, gapsTold, takenBack] = [0, 0, 0];
  for (const account of accounts) {
    const tally = account.resumes
      ? new Judge(account, history, findings).run()
      : judgeText(account, history, findings);
    deliveredBy[account.transport] = (deliveredBy[account.transport] ?? 0) + tally.delivered;
    delivered += tally.delivered;
    gapsTold += tally.gaps;
    takenBack += tally.takenBack;
  }
  return { delivered, deliveredBy, gapsTold, takenBack };
}
