import type { Findings } from "./findings.ts";
import type { History } from "./history.ts";
import { justBefore, parseCursor, parsePosition } from "./position.ts";
import type { Account, Seen } from "./seen.ts";

type Of<Kind extends Seen["kind"]> = Extract<Seen, { kind: Kind }>;

/** What a reader has been given, beside what was wrong with it. */
export interface Tally {
  delivered: number;
  gaps: number;
  /** Events that it saw and a failover took back, as it was told. */
  takenBack: number;
}

/** How a reader stands with one topic. */
interface Standing {
  /** The position of the latest event, or just before the one that a notice has announced. */
  at: string | undefined;
  /** Where the next event must stand, after a notice that said so. */
  announced: string | undefined;
  /** True until an event has come after the start or a notice: it need not join on to anything. */
  fresh: boolean;
  /** Delivered since the last reset, by position. */
  held: Set<string>;
  /** Delivered, and in no known state of the log: taken back, or never there. */
  unknown: string[];
}

/**
 * The law for one reader, whatever cuts and processes lie between: between two notices, its events are a contiguous
 * run of the topic's, each once, in order, with the log's content; each notice is true; and no id moves its cursor past
 * what it has been given or told of.
 */
export class Judge {
  readonly #account: Account;
  readonly #history: History;
  readonly #findings: Findings;
  readonly #standings = new Map<string, Standing>();
  readonly #tally: Tally = { delivered: 0, gaps: 0, takenBack: 0 };

  constructor(account: Account, history: History, findings: Findings) {
    this.#account = account;
    this.#history = history;
    this.#findings = findings;
    for (const topic of account.topics) {
      this.#standings.set(topic, {
        at: undefined,
        announced: undefined,
        fresh: true,
        held: new Set(),
        unknown: [],
      });
    }
  }

  run(): Tally {
    for (const seen of this.#account.seen) {
      if (seen.kind === "event") this.#onEvent(seen);
      else if (seen.kind === "gap") this.#onGap(seen);
      else if (seen.kind === "dropped") this.#onDropped(seen);
      else if (seen.kind === "cursor") this.#checkCursor(seen.cursor, undefined);
    }
    for (const [topic, standing] of this.#standings) this.#atEnd(topic, standing);
    return this.#tally;
  }

  #onEvent({ topic, cursor, stamp }: Of<"event">): void {
    this.#tally.delivered++;
    const standing = this.#standings.get(topic)!;
    const id = this.#checkCursor(cursor, topic);
    if (id === undefined) return;
    const holds = this.#history.holds(topic, id, stamp);
    if (holds === "altered") this.#add("phantom", topic, `${id} came as ${stamp.mark}, altered`);
    if (holds === "yes") this.#condemn(topic, standing);
    const { wants } = this.#account;
    if (!wants) this.#checkJoin(topic, standing, id);
    else {
      if (!wants(stamp.mark)) this.#add("phantom", topic, `${stamp.mark} was not asked for`);
      this.#checkPassed(topic, standing, id, wants);
    }
    if (holds === "unknown") standing.unknown.push(id);
    standing.held.add(id);
    standing.at = id;
    standing.announced = undefined;
    standing.fresh = false;
  }

  #checkJoin(topic: string, standing: Standing, id: string): void {
    const { at, announced, fresh, held } = standing;
    if (announced !== undefined && announced !== id)
      return this.#add("untrue", topic, `${announced} was announced and ${id} came`);
    if (at === undefined) {
      const { n } = parsePosition(id);
      // What retention has taken before the first read is nobody's loss.
      const missing = this.#account.fromEarliest
        ? this.#history.retainedBefore(topic, id, 0) && n - 1
        : 0;
      if (missing > 0)
        this.#add("lost", topic, `reading from the earliest began at ${id}`, missing);
      return;
    }
    const [last, next] = [parsePosition(at), parsePosition(id)];
    if (held.has(id)) return this.#add("doubled", topic, `${id} came again after ${at}`);
    const follows = fresh ? undefined : this.#history.follows(topic, at, id);
    if (next.n === last.n + 1 && next.ms >= last.ms && follows !== false) return;
    if (this.#history.between(topic, id, at) !== undefined)
      return this.#add("disordered", topic, `${id} came after ${at}`);
    const between = this.#history.between(topic, at, id);
    const skipped = between ?? this.#history.before(topic, id).filter((id) => !held.has(id)).length;
    if (skipped > 0) this.#add("lost", topic, `between ${at} and ${id}`, skipped);
    this.#add("untold", topic, `${id} came after ${at}`);
  }

  /** With a filter: what lies between was not wanted. */
  #checkPassed(
    topic: string,
    standing: Standing,
    to: string,
    wants: (mark: string) => boolean,
  ): void {
    const { at, fresh, held } = standing;
    if (held.has(to)) return this.#add("doubled", topic, `${to} came again after ${at}`);
    if (at === undefined && !this.#account.fromEarliest) return;
    if (at !== undefined && this.#history.between(topic, to, at) !== undefined)
      return this.#add("disordered", topic, `${to} came after ${at}`);
    const from = at === undefined ? undefined : { id: at, announced: fresh };
    const passed = this.#history.passedOver(topic, from, to, wants);
    if (passed === undefined) {
      // Of a state of the log that nobody knows nothing can be said.
      if (this.#history.markAt(topic, to) !== undefined)
        this.#add("untold", topic, `${to} came after ${at}`);
    } else if (passed > 0) {
      this.#add("lost", topic, `between ${at ?? "the beginning"} and ${to}`, passed);
    }
  }

  /** A cursor may move over what a filter holds back, and over nothing else. */
  #moveOver(topic: string, standing: Standing, to: string): void {
    const { wants } = this.#account;
    if (!wants || standing.at === to || parsePosition(to).n === 0) return;
    const mark = this.#history.markAt(topic, to);
    if (mark !== undefined) {
      if (wants(mark)) return;
      this.#checkPassed(topic, standing, to, wants);
      // Of what has been taken back nobody can say whether it was wanted.
    } else if (!this.#history.mayBeTakenBack(to) || parsePosition(to).n < nOf(standing.at)) return;
    standing.at = to;
    standing.announced = undefined;
    standing.fresh = false;
  }

  #onGap({ topic, cursor, from, to, missed, reason }: Of<"gap">): void {
    this.#tally.gaps++;
    const standing = this.#standings.get(topic)!;
    const said = `gap from ${from} to ${to}, missed ${missed}, ${reason}`;
    if (from !== null) this.#moveOver(topic, standing, from);
    if (standing.at !== undefined && from !== standing.at)
      this.#add("untrue", topic, `${said}; the reader stood at ${standing.at}`);
    if (reason === "trimmed") this.#checkTrimmed(topic, from, to, missed, said);
    else if (reason === "reset") this.#checkReset(topic, from, to, missed, said);
    else this.#add("untrue", topic, `${said}: an unknown reason`);
    if (reason === "reset") {
      // What was delivered before belongs to a state of the log that is gone, and may rightly come again.
      this.#forgive(topic, standing);
      standing.held.clear();
    }
    this.#announce(standing, topic, cursor, to);
  }

  #checkTrimmed(
    topic: string,
    from: string | null,
    to: string | null,
    missed: number | null,
    said: string,
  ): void {
    if (from === null || to === null) return this.#add("untrue", topic, said);
    const [before, after] = [parsePosition(from), parsePosition(to)];
    if (missed !== after.n - before.n - 1 || missed < 1 || after.ms < before.ms)
      this.#add("untrue", topic, said);
    const retained = this.#history.retainedBefore(topic, to, before.n);
    if (retained > 0) this.#add("lost", topic, `${said}: they were never trimmed`, retained);
  }

  #checkReset(
    topic: string,
    from: string | null,
    to: string | null,
    missed: number | null,
    said: string,
  ): void {
    const lies = from !== null && to !== null ? this.#history.between(topic, from, to) : undefined;
    if (lies !== undefined) this.#add("untrue", topic, `${said}: both stand in one log`);
    else if (missed !== null) this.#add("untrue", topic, said);
  }

  #onDropped({ topic, cursor, from, to, count }: Of<"dropped">): void {
    this.#tally.gaps++;
    const standing = this.#standings.get(topic)!;
    const said = `dropped from ${from} to ${to}, count ${count}`;
    if (standing.at !== undefined && from !== standing.at)
      this.#add("untrue", topic, `${said}; the reader stood at ${standing.at}`);
    const [before, after] = [parsePosition(from), parsePosition(to)];
    if (count !== after.n - before.n - 1 || count < 1 || after.ms < before.ms)
      this.#add("untrue", topic, said);
    else if ((this.#history.between(topic, from, to) ?? count) !== count)
      this.#add("untrue", topic, `${said}; the log has another number between them`);
    this.#announce(standing, topic, cursor, to);
  }

  #announce(standing: Standing, topic: string, cursor: string, to: string | null): void {
    standing.at = to === null ? undefined : justBefore(to);
    standing.announced = to ?? undefined;
    standing.fresh = true;
    this.#checkCursor(cursor, undefined, topic);
    // Where nothing has come yet, the reader goes on from an entry that is there, and what follows it is known.
    if (to === null) standing.fresh = false;
  }

  /**
   * Every id must say exactly where the reader stands: one that is ahead loses events at the next cut.
   * @param moved the topic whose event came with it. @returns that topic's position
   */
  #checkCursor(cursor: string, moved: string | undefined, told?: string): string | undefined {
    const positions = parseCursor(cursor);
    const { topics } = this.#account;
    if (positions.length !== topics.length) {
      this.#add("untrue", topics.join(), `${cursor} names ${positions.length} topics`);
      return undefined;
    }
    for (const [index, topic] of topics.entries()) {
      if (topic === moved) continue;
      const standing = this.#standings.get(topic)!;
      const position = positions[index]!;
      if (topic !== told) this.#moveOver(topic, standing, position);
      if (standing.at === undefined) standing.at = position;
      else if (standing.at !== position) {
        const kind = topic === told ? "untrue" : "untold";
        this.#add(kind, topic, `the cursor moved from ${standing.at} to ${position}`);
        standing.at = position;
        standing.fresh = true;
      }
    }
    return moved === undefined ? undefined : positions[topics.indexOf(moved)];
  }

  /** Told of a reset: what is in no state of the log that is known may have been taken back. */
  #forgive(topic: string, standing: Standing): void {
    const forgiven = standing.unknown.filter((id) => this.#history.mayBeTakenBack(id));
    this.#tally.takenBack += forgiven.length;
    standing.unknown = standing.unknown.filter((id) => !forgiven.includes(id));
    this.#condemn(topic, standing);
  }

  #condemn(topic: string, standing: Standing): void {
    for (const id of standing.unknown) this.#add("phantom", topic, `${id} was never in the log`);
    standing.unknown = [];
  }

  #atEnd(topic: string, standing: Standing): void {
    this.#condemn(topic, standing);
    const head = this.#history.head(topic);
    // Where the last is not wanted, its cursor may yet stand before it.
    if (head !== undefined) this.#moveOver(topic, standing, head);
    const { at = "0-0" } = standing;
    if (head === undefined || at === head) return;
    const { wants } = this.#account;
    const behind = wants
      ? this.#history.passedOver(topic, { id: at, announced: standing.fresh }, head, wants)
      : this.#history.between(topic, at, head);
    const count = behind === undefined ? 1 : behind + 1;
    this.#add("lost", topic, `at the end it stands at ${at}, the log at ${head}`, count);
  }

  #add(fault: Parameters<Findings["add"]>[0], topic: string, what: string, count = 1): void {
    this.#findings.add(fault, `${this.#account.reader} on ${topic}`, what, count);
  }
}

function nOf(id: string | undefined): number {
  return id === undefined ? 0 : parsePosition(id).n;
}
