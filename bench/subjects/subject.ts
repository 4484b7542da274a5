export const SUBJECTS = ["novastream", "stream-sse", "c-loop"] as const;
export type SubjectName = (typeof SUBJECTS)[number];

/** As the table calls them. */
export const TITLES: Readonly<Record<SubjectName, string>> = {
  novastream: "NovaStream",
  "stream-sse": "`streamSSE`",
  "c-loop": "C loop",
};

/** What is measured: a server that fans out what is published to it, as a process of its own. */
export interface Subject {
  readonly name: SubjectName;
  readonly surface: Surface;
  /** What to run, once the port is known. */
  command(port: number): { file: string; args: string[]; env: Record<string, string> };
}

/** How a subject is published to and read. */
export interface Surface {
  readonly readPath: string;
  readonly publishPath: string;
  /** One JSON document or an array of them, or one document a line. */
  readonly body: "json" | "lines";
}
