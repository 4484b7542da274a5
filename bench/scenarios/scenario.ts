import type { Reaper } from "../reaper.ts";
import type { Sizes } from "../sizes.ts";
import type { Subject, SubjectName } from "../subjects/subject.ts";

/** One subject in one scenario in one round. */
export interface Trial {
  readonly subject: Subject | undefined;
  readonly name: SubjectName;
  readonly sizes: Sizes;
  readonly signal: AbortSignal;
  readonly reaper: Reaper;
  /** Told of what was delivered. */
  readonly count: (delivered: Delivered) => void;
}

/** Events times readers; of chats and GETs, answers. */
export interface Delivered {
  readonly expected: number;
  /** Expected and not received. */
  readonly lost: number;
  /** Received more than once, or out of its place. */
  readonly doubled: number;
}

/** By the name of the metric; a row of the table shows one. */
export type Values = Readonly<Record<string, number>>;

/** Something that is measured: of NovaStream and of its peers alike. */
export interface Scenario {
  readonly name: string;
  /** For the help. */
  readonly about: string;
  /** NovaStream in the form that is measured here. */
  readonly own: SubjectName;
  readonly peers: readonly SubjectName[];
  readonly needsRedis?: boolean;
  run(trial: Trial): Promise<Values>;
}
