import type { Findings } from "./findings.ts";
import type { History } from "./history.ts";
import type { Tally } from "./judge.ts";
import type { Account } from "./seen.ts";

/**
 * The law for a reader who is given no positions, as the text of a log: each connection stands for itself, and within
 * one, between two notices, the events are a contiguous run of the log's.
 */
export function judgeText(account: Account, history: History, findings: Findings): Tally {
  const tally: Tally = { delivered: 0, gaps: 0, takenBack: 0 };
  const where = `${account.reader} on ${account.topics.join()}`;
  const [topic] = account.topics as [string];
  let last: string | undefined;
  let held = new Set<string>();
  let unknown: string[] = [];
  const condemn = (): void => {
    for (const mark of unknown) findings.add("phantom", where, `${mark} was never in the log`);
    unknown = [];
  };
  for (const seen of account.seen) {
    if (seen.kind === "event") {
      tally.delivered++;
      const { mark } = seen.stamp;
      if (history.wasAltered(seen.stamp)) findings.add("phantom", where, `${mark} came altered`);
      const joins = last === undefined || history.followsMark(topic, last, mark);
      // What a failover took back may have been appended again elsewhere, where its publisher had not heard of it.
      const again = !joins && history.mayMarkBeTakenBack(topic, mark);
      if (again || !history.knowsMark(topic, mark)) unknown.push(mark);
      else condemn();
      if (held.has(mark)) findings.add("doubled", where, `${mark} came again`);
      else if (unknown.length === 0 && !joins)
        findings.add("untold", where, `${mark} came after ${last}`);
      held.add(mark);
      last = mark;
    } else if (seen.kind === "connected" || seen.kind === "gap") {
      if (seen.kind === "gap") tally.gaps++;
      // A cut may well come between what was taken back and the notice of it.
      tally.takenBack += unknown.filter((mark) => history.mayMarkBeTakenBack(topic, mark)).length;
      unknown = unknown.filter((mark) => !history.mayMarkBeTakenBack(topic, mark));
      condemn();
      last = undefined;
      held = new Set();
    }
  }
  condemn();
  const head = history.headMark(topic);
  if (head !== undefined && last !== head)
    findings.add("lost", where, `at the end it stands at ${last ?? "nothing"}, the log at ${head}`);
  return tally;
}
