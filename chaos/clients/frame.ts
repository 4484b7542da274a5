/** What a stream says, whatever its format. */
export interface Frame {
  /** The cursor, where it carries one. */
  readonly id: string | undefined;
  readonly type: string;
  /** Where the stream names it with each event. */
  readonly topic: string | undefined;
  readonly data: unknown;
}

/** Turns the text of a body into frames as it arrives; a frame that is cut is none. */
export type Decoder = (text: string) => Frame[];
