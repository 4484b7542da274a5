import type { Surface } from "../subjects/subject.ts";
import { NUMBER_MARK } from "./event-number.ts";

/** With a number of some digits it brings a frame to about 130 bytes. */
const TEXT = `a line of a common length, event number ${NUMBER_MARK}`;

/** Microseconds on a clock that all processes of the machine share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** The body of one publish: `burst` events, numbered from `first` on, that carry the time of their publish. */
export function publishBody({ body }: Surface, first: number, burst: number): string {
  const at = nowUs();
  const payload = (index: number) => ({ at, text: `${TEXT}${first + index}` });
  if (body === "status") return JSON.stringify({ phase: "Running", ...payload(0) });
  const documents = Array.from({ length: burst }, (_, index) =>
    JSON.stringify({ type: "tick", data: payload(index) }),
  );
  if (body === "lines") return documents.join("\n");
  return burst === 1 ? documents[0]! : `[${documents.join(",")}]`;
}

const AT = '"at":';

/** The times of publish of the events in a piece of a stream. */
export function* publishTimes(text: string): Generator<number> {
  for (let i = text.indexOf(AT); i >= 0; i = text.indexOf(AT, i + AT.length))
    yield Number.parseInt(text.slice(i + AT.length, i + AT.length + 20), 10);
}
