import type { Surface } from "../subjects/subject.ts";

/** Brings a frame to about 130 bytes. */
const TEXT = "a line of a common length, as a status has it";

/** Microseconds on a clock that all processes of the machine share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** The body of one publish: `burst` events that carry the time of their publish. */
export function publishBody({ body }: Surface, burst: number): string {
  const data = { at: nowUs(), text: TEXT };
  if (body === "status") return JSON.stringify({ phase: "Running", ...data });
  const documents = Array<string>(burst).fill(JSON.stringify({ type: "tick", data }));
  if (body === "lines") return documents.join("\n");
  return burst === 1 ? documents[0]! : `[${documents.join(",")}]`;
}

const AT = '"at":';

/** The times of publish of the events in a piece of a stream. */
export function* publishTimes(text: string): Generator<number> {
  for (let i = text.indexOf(AT); i >= 0; i = text.indexOf(AT, i + AT.length))
    yield Number.parseInt(text.slice(i + AT.length, i + AT.length + 20), 10);
}
