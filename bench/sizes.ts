/** How much is done in each trial. Figures of runs with other sizes cannot be compared. */
export interface Sizes {
  /** Connections that read in the fan-out trials. */
  readonly readers: number;
  /** Events for each of them. */
  readonly events: number;
  readonly idle: number;
  readonly connections: number;
  readonly reconnecting: number;
  /** Readers who replay, and events for each of them. */
  readonly replaying: number;
  readonly replayed: number;
  readonly chats: number;
  /** Chats at once in the rows on many, and tokens of each answer. */
  readonly answers: number;
  readonly tokens: number;
  readonly appends: number;
}

export const SIZES: Sizes = {
  readers: 2_000,
  events: 200,
  idle: 8_000,
  connections: 10_000,
  reconnecting: 5_000,
  replaying: 1_000,
  replayed: 1_000,
  chats: 200,
  answers: 1_000,
  tokens: 500,
  appends: 50_000,
};

/** They show that all paths work, and measure nothing. */
export const QUICK_SIZES: Sizes = {
  readers: 50,
  events: 20,
  idle: 200,
  connections: 200,
  reconnecting: 200,
  replaying: 50,
  replayed: 300,
  chats: 3,
  answers: 10,
  tokens: 20,
  appends: 500,
};

/** What each size is, for the help. */
export const SIZE_WORDS: Readonly<Record<keyof Sizes, string>> = {
  readers: "readers of the fan-out rows",
  events: "events for each of them; a quarter as many before, to warm up",
  idle: "connections of the row on idle memory",
  connections: "connections of the rows on many",
  reconnecting: "clients that come back at once",
  replaying: "readers who replay",
  replayed: "events for each of them",
  chats: "chats, one after the other",
  answers: "chats at once; a 25th of them where they should not use up a core",
  tokens: "tokens of each of their answers, at 50 a second",
  appends: "appends of the publish row",
};
