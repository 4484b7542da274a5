import type { Findings } from "./findings.ts";
import { comparePositions, parsePosition } from "./position.ts";
import type { Stamp } from "./seen.ts";

/** An entry as the log holds it. */
export interface Entry {
  readonly id: string;
  readonly mark: string;
  readonly digest: string;
}

/**
 * One state of a topic's log, whole and in order: as it was just before it was flushed, as a master held it that was
 * then given up, or as it is at the end.
 */
export interface Branch {
  readonly topic: string;
  readonly entries: readonly Entry[];
  /** Set of the one that stands at the end. */
  readonly final: boolean;
}

/** While a failover or the death of an embedded log may take back what was there, with nobody left to ask. */
export interface TakeBack {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Acknowledgement {
  /** Empty where the answer did not say. */
  readonly id: string;
  readonly byMs: number;
}

interface Place {
  readonly branch: Branch;
  readonly index: number;
}

/** All that is known of what the log has held: its branches, and what publishers were told. */
export class History {
  readonly #places = new Map<string, Place[]>();
  readonly #marks = new Map<string, Place[]>();
  readonly #branches = new Map<string, Branch[]>();
  readonly #sent = new Map<string, Stamp>();
  readonly #acked = new Map<string, Acknowledgement>();
  readonly #takeBacks: TakeBack[] = [];

  addBranch(branch: Branch): void {
    const { topic, entries } = branch;
    push(this.#branches, topic, branch);
    for (const [index, { id, mark }] of entries.entries()) {
      push(this.#places, `${topic} ${id}`, { branch, index });
      push(this.#marks, `${topic} ${mark}`, { branch, index });
    }
  }

  /** What a publisher is about to send, once for all of its attempts. */
  addSent(stamp: Stamp): void {
    this.#sent.set(stamp.mark, stamp);
  }

  /**
   * @param id undefined where the answer did not say
   * @param byMs when it was in at the latest, ms since the epoch
   */
  addAcked(topic: string, mark: string, id: string | undefined, byMs: number): void {
    this.#acked.set(`${topic} ${mark}`, { id: id ?? "", byMs });
  }

  addTakeBack(window: TakeBack): void {
    this.#takeBacks.push(window);
  }

  get acknowledged(): number {
    return this.#acked.size;
  }

  branches(topic: string): readonly Branch[] {
    return this.#branches.get(topic) ?? [];
  }

  /** The last position of the final log; undefined where that is empty or unknown. */
  head(topic: string): string | undefined {
    return this.branches(topic)
      .find(({ final }) => final)
      ?.entries.at(-1)?.id;
  }

  /** The mark of the last entry of the final log; undefined where that is empty or unknown. */
  headMark(topic: string): string | undefined {
    return this.branches(topic)
      .find(({ final }) => final)
      ?.entries.at(-1)?.mark;
  }

  /**
   * Whether an entry stands there with this content, or another one; `acked`: stood there, as its publisher was told, in
   * a state of the log of which nothing else is known.
   */
  holds(
    topic: string,
    id: string,
    stamp: Pick<Stamp, "mark" | "digest">,
  ): "yes" | "acked" | "altered" | "unknown" {
    if (this.wasAltered(stamp)) return "altered";
    const places = this.#places.get(`${topic} ${id}`);
    if (places)
      return places.some((place) => entryAt(place).mark === stamp.mark) ? "yes" : "altered";
    return this.#acked.get(`${topic} ${stamp.mark}`)?.id === id ? "acked" : "unknown";
  }

  /** Whether it is not what its publisher sent. */
  wasAltered({ mark, digest }: Pick<Stamp, "mark" | "digest">): boolean {
    return this.#sent.get(mark)?.digest !== digest;
  }

  /** Whether `next` comes right after `id`: undefined where no branch holds what comes before `next`. */
  follows(topic: string, id: string, next: string): boolean | undefined {
    const before = (this.#places.get(`${topic} ${next}`) ?? []).flatMap(({ branch, index }) =>
      index > 0 ? [branch.entries[index - 1]!.id] : [],
    );
    return before.length > 0 ? before.includes(id) : undefined;
  }

  /** The same by what publishers put in, for readers who are given no positions. */
  followsMark(topic: string, mark: string, next: string): boolean {
    return (this.#marks.get(`${topic} ${next}`) ?? []).some(
      ({ branch, index }) => index > 0 && branch.entries[index - 1]!.mark === mark,
    );
  }

  knowsMark(topic: string, mark: string): boolean {
    return this.#marks.has(`${topic} ${mark}`);
  }

  /** How many entries stand strictly between, in a branch that holds both ends; undefined where there is none. */
  between(topic: string, from: string, to: string): number | undefined {
    for (const { branch, index } of this.#places.get(`${topic} ${to}`) ?? []) {
      const start = this.#places.get(`${topic} ${from}`)?.find((place) => place.branch === branch);
      if (start && start.index < index) return index - start.index - 1;
    }
    return undefined;
  }

  /** The mark of what stands there, in some state of the log; undefined where nothing is known of it. */
  markAt(topic: string, id: string): string | undefined {
    const [place] = this.#places.get(`${topic} ${id}`) ?? [];
    return place && entryAt(place).mark;
  }

  /**
   * How many wanted entries stand after `from` and before `to`, in the branch that has fewest of those that hold `to`;
   * undefined where none of them leads from the one to the other.
   *
   * @param from undefined for the beginning; where it has been announced, it is known by its number alone
   */
  passedOver(
    topic: string,
    from: { readonly id: string; readonly announced: boolean } | undefined,
    to: string,
    wants: (mark: string) => boolean,
  ): number | undefined {
    const counts = (this.#places.get(`${topic} ${to}`) ?? []).flatMap(({ branch, index }) => {
      const start = this.#indexOf(branch, from);
      if (start === undefined || start >= index) return [];
      return [branch.entries.slice(start + 1, index).filter(({ mark }) => wants(mark)).length];
    });
    return counts.length > 0 ? Math.min(...counts) : undefined;
  }

  #indexOf(
    branch: Branch,
    from: { readonly id: string; readonly announced: boolean } | undefined,
  ): number | undefined {
    const n = from ? parsePosition(from.id).n : 0;
    if (!from || n === 0) return -1;
    const index = branch.entries.findIndex(({ id }) =>
      from.announced ? parsePosition(id).n === n + 1 : id === from.id,
    );
    if (index < 0) return undefined;
    return from.announced ? index - 1 : index;
  }

  /** What comes before it in the first branch that holds it. */
  before(topic: string, id: string): string[] {
    const [place] = this.#places.get(`${topic} ${id}`) ?? [];
    return place ? place.branch.entries.slice(0, place.index).map(({ id }) => id) : [];
  }

  /** How many entries before `to` a branch that holds it still has, of those after number `fromN`. */
  retainedBefore(topic: string, to: string, fromN: number): number {
    const counts = (this.#places.get(`${topic} ${to}`) ?? []).map(
      ({ branch, index }) =>
        branch.entries.slice(0, index).filter(({ id }) => parsePosition(id).n > fromN).length,
    );
    return Math.max(0, ...counts);
  }

  mayBeTakenBack(id: string): boolean {
    const { ms } = parsePosition(id);
    return this.#wasRisky(ms, ms);
  }

  /** Where it stood is not known, only that it came to stand there between its first sending and its acknowledgement. */
  mayMarkBeTakenBack(topic: string, mark: string): boolean {
    const byMs = this.#acked.get(`${topic} ${mark}`)?.byMs ?? Number.POSITIVE_INFINITY;
    return this.#wasRisky(this.#sent.get(mark)?.sentAt ?? 0, byMs);
  }

  #wasRisky(sinceMs: number, byMs: number): boolean {
    return this.#takeBacks.some(({ fromMs, toMs }) => byMs >= fromMs && sinceMs <= toMs);
  }

  /**
   * The log itself: dense, in order, nothing appended twice, and all that was acknowledged is in, unless it may have
   * been taken back.
   *
   * @returns how many acknowledged events were taken back
   */
  check(findings: Findings): number {
    for (const branches of this.#branches.values())
      for (const branch of branches) checkBranch(branch, findings);
    let takenBack = 0;
    for (const [key, { id }] of this.#acked) {
      const [topic, mark] = key.split(" ") as [string, string];
      const places = this.#marks.get(key) ?? [];
      if (places.some((place) => id === "" || entryAt(place).id === id)) continue;
      if (id !== "" && this.#wasTrimmed(topic, id)) continue;
      if (id === "" ? this.mayMarkBeTakenBack(topic, mark) : this.mayBeTakenBack(id)) takenBack++;
      else findings.add("lost", topic, `${mark} was acknowledged at ${id || "a place not told"}`);
    }
    return takenBack;
  }

  /** Before the first entry that some branch has retained, which is not its first of all. */
  #wasTrimmed(topic: string, id: string): boolean {
    return this.branches(topic).some(({ entries: [first] }) => {
      if (!first || parsePosition(first.id).n === 1) return false;
      return comparePositions(id, first.id) < 0 && parsePosition(id).n < parsePosition(first.id).n;
    });
  }
}

function checkBranch({ topic, entries }: Branch, findings: Findings): void {
  const marks = new Map<string, string>();
  let last: Entry | undefined;
  for (const entry of entries) {
    const [at, before] = [parsePosition(entry.id), last && parsePosition(last.id)];
    if (before && (at.n !== before.n + 1 || at.ms < before.ms))
      findings.add("lost", topic, `the log goes from ${last!.id} to ${entry.id}`);
    const twin = marks.get(entry.mark);
    if (twin !== undefined)
      findings.add("doubled", topic, `${entry.mark} stands in the log at ${twin} and ${entry.id}`);
    marks.set(entry.mark, entry.id);
    last = entry;
  }
}

function entryAt({ branch, index }: Place): Entry {
  return branch.entries[index]!;
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
